//! Two parts as one: what the origin sends of a representation, joined to what is stored of it.

use super::Engine;
use super::answer::in_memory;
use super::ports::{OriginResponse, Ports};
use crate::blob::Blob;
use crate::cache::Entry;
use crate::cache::partial::{Joined, join};
use crate::cache::storability::Asked;
use crate::cache::validation::{Revision, revise};
use crate::message::ResponseHead;

impl<P: Ports> Engine<P> {
    /// Reads what a 206 brings and joins it to `part`. `None` if they do not belong together, or if not all of it came.
    pub(super) async fn complete(
        &self,
        part: &Entry<P::Blob>,
        response: OriginResponse<P>,
        asked: Asked<'_>,
    ) -> Option<(Revision, P::Blob)> {
        join(&part.head, &response.head, asked.fetched.received)?;
        let new = self.read_body(response.body, asked.policy).await.ok()?;
        self.join_to(part, &response.head, &new, asked).await
    }

    /// Joins the body of a 206 to `part`.
    pub(super) async fn join_to(
        &self,
        part: &Entry<P::Blob>,
        response: &ResponseHead,
        new: &P::Blob,
        asked: Asked<'_>,
    ) -> Option<(Revision, P::Blob)> {
        let Joined { before, after, new: expected, response } = join(&part.head, response, asked.fetched.received)?;
        let body_holds = part.body.len() as u64 >= before.end.max(after.end);
        let length = (before.end - before.start) + expected + (after.end - after.start);
        if new.len() as u64 != expected || !body_holds || length > asked.policy.max_body.0 {
            return None;
        }
        let body =
            P::Blob::concat(&[part.body.slice(in_memory(before)), new.clone(), part.body.slice(in_memory(after))]);
        let mut revision = revise(&part.head, response, asked);
        revision.head.body = self.facts(&body, &revision.head.headers).await;
        Some((revision, body))
    }
}
