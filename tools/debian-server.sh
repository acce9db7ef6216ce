#!/usr/bin/env bash
# Installs a server from Debian's packages as a program only. Debian would start it as a service, now and at every boot, and webdis
# would then hand Redis to whoever asks, without a password. Needs root.
#
#   tools/debian-server.sh PACKAGE
set -euo pipefail
package=$1
policy=/usr/sbin/policy-rc.d

# This file is what Debian asks before it starts a service; 101 is no.
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
fi
apt-get update -q
apt-get install -qy --no-install-recommends "$package"
update-rc.d "$package" disable
