// The caches outside the platform that Larder is measured beside, for the record: nginx and Varnish as Debian has them, each on a free
// port of the loopback, with one worker on one core, in a folder that is gone when it stops.
import { spawnSync } from 'node:child_process'
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { answers, childrenOf, freePort, start, stop, until } from './processes.mjs'

const isRoot = process.getuid() === 0

export const startNginx = origin => serve('nginx', async (folder, port) => {
  const file = path.join(folder, 'nginx.conf')
  await writeFile(file, nginxConfiguration(folder, port, origin.url))
  return { args: ['-p', folder, '-c', file, '-e', 'stderr'], worker: /nginx: worker process/ }
})

const nginxConfiguration = (folder, port, origin) => `
  daemon off;
  worker_processes 1;
  ${isRoot ? 'user root;' : ''}
  pid ${folder}/pid;
  error_log stderr error;
  events { worker_connections 1024; }
  http {
    access_log off;
    ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(kind => `${kind}_temp_path ${folder}/${kind};`).join(' ')}
    proxy_cache_path ${folder}/cache keys_zone=pages:10m;
    server {
      listen 127.0.0.1:${port};
      keepalive_requests 1000000000;
      location / {
        proxy_pass ${origin};
        proxy_http_version 1.1;
        proxy_cache pages;
        add_header X-Cache $upstream_cache_status;
      }
    }
  }
`

export const startVarnish = origin => serve('varnish', async (folder, port) => ({
  command: 'varnishd',
  args: [
    '-F', '-n', folder, '-a', `127.0.0.1:${port}`, '-T', 'none', '-b', new URL(origin.url).host, '-s', 'malloc,256m',
    // One pool, with a thread for each connection of the load.
    '-p', 'thread_pools=1', '-p', 'thread_pool_min=40', ...isRoot ? ['-j', 'none'] : []
  ],
  worker: /varnishd/
}))

// `prepare` says with which arguments, and which of the processes that come of it answers requests.
const serve = async (name, prepare) => {
  const port = await freePort()
  const folder = await mkdtemp(path.join(tmpdir(), `larder-${name}-`))
  const { command = name, args, worker } = await prepare(folder, port)
  if (spawnSync(command, ['-V'], { stdio: 'ignore' }).error) throw new Error(`${command} is not installed; run \`tools/setup.sh bench\` first`)
  // What it says is of interest only if it does not start.
  const log = await open(path.join(folder, 'log'), 'w+')
  const child = start('taskset', ['-c', '0', command, ...args], { stdio: ['ignore', log.fd, log.fd] })
  const url = `http://127.0.0.1:${port}`
  const end = async () => {
    await stop(child, () => child.kill('SIGTERM'))
    await log.close()
    await rm(folder, { recursive: true, force: true })
  }
  try {
    await answers(child, `${url}/1`)
    const pid = await until(() => childThatIs(child.pid, worker), `a worker of ${name}`)
    return { name, url, pid, stop: end }
  } catch (error) {
    console.error(await readFile(path.join(folder, 'log'), 'utf8'))
    await end()
    throw error
  }
}

const childThatIs = async (parent, pattern) => {
  for (const pid of await childrenOf(parent)) {
    if (pattern.test(await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''))) return pid
  }
}
