//! `admission = "second-hit"`: the tiers that charge for writes take an entry when it is asked for a second time in a data centre.

use std::rc::Rc;

use super::Engine;
use super::deferred::{Deferred, Writing};
use super::ports::Ports;
use super::settings::Configured;
use crate::blob::Blob as _;
use crate::cache::Entry;
use crate::digest::Framed;
use crate::key::CacheKey;
use crate::policy::{Admission, Policy, Tier};
use crate::store::backend;
use crate::url::CanonicalUrl;

impl<P: Ports> Engine<P> {
    /// The offer of an entry that was found nearby, so that this data centre has asked for it before. Once an isolate.
    pub(super) fn offer(
        &self,
        entry: &Rc<Entry<P::Blob>>,
        url: &CanonicalUrl,
        policy: &Rc<Policy>,
        nearer: &[Tier],
    ) -> Option<Deferred<P>> {
        let nearby = nearer.iter().all(|tier| *tier == Tier::Memory);
        let offers = policy.admission == Admission::SecondHit && nearby;
        (offers && self.isolate.is_first_offer(entry.head.key, entry.head.fetched.received)).then(|| {
            let (entry, url, policy) = (entry.clone(), url.clone(), policy.clone());
            Deferred::Offer(Writing { entry, url, policy, tiers: Vec::new() })
        })
    }

    /// Writes the entry to the tiers that charge, unless another isolate of this data centre has done it.
    pub(super) async fn take_offer(&self, offer: Writing<P>) {
        let Configured::Ready(config) = &self.settings.state else { return };
        let (alias, tiers) = self.tiers(config, &offer.policy);
        if self.is_purged(&offer.url, &offer.entry) {
            return;
        }
        let head = &offer.entry.head;
        let mark = Framed::new("offered 1").part(head.key.0).part(head.fetched.received.as_millis().to_be_bytes());
        let mark = CacheKey(mark.finish());
        if tiers.contains(&Tier::Colo) {
            if let Ok(Some(_)) = self.ports.read(Tier::Colo, mark).await {
                return;
            }
            let life = std::time::Duration::from_secs(u64::from(head.physical_life(&offer.policy).get()).max(1));
            let _ =
                self.ports.write(Tier::Colo, mark, &P::Blob::from_bytes(bytes::Bytes::from_static(b"1")), life).await;
        }
        let charging: Vec<_> = tiers.into_iter().filter(|tier| backend(*tier).charges).collect();
        self.write_tiers(alias, &charging, &offer.entry, &offer.policy).await;
    }
}
