//! The answer to a POST as the stored answer to a GET.

use std::rc::Rc;

use http::{HeaderMap, Method, StatusCode};

use super::Engine;
use super::deferred::{Deferred, StorePlan, Storing};
use super::ports::{OriginResponse, Ports};
use super::settings::Configured;
use crate::cache::post::answers_get;
use crate::cache::storability::{Asked, storability};
use crate::cache::{Fetched, Stamp};
use crate::forward::plan;
use crate::message::{RequestHead, ResponseHead};

/// When a POST was answered, and what is known of purges around it.
#[derive(Clone, Copy)]
pub(super) struct Posted {
    pub fetched: Fetched,
    /// Before the origin was asked.
    pub before: Stamp,
    /// Its own.
    pub own: Stamp,
}

impl<P: Ports> Engine<P> {
    /// Keeps a copy of the answer to a POST, if it is what a GET of the same URL would get. What the POST itself invalidated is
    /// recorded by now, so the copy is newer than that.
    pub(super) fn keep_for_get(
        &self,
        request: &RequestHead,
        sent: &HeaderMap,
        response: OriginResponse<P>,
        posted: Posted,
    ) -> (OriginResponse<P>, Option<Deferred<P>>) {
        let Some(plan) = self.plan_for_get(request, sent, &response.head, posted) else { return (response, None) };
        let OriginResponse { head, body } = response;
        match self.divide(body) {
            Ok((own, body)) => {
                let storing = Storing { body, plan, lead: None };
                (OriginResponse { head, body: own }, Some(Deferred::Store(Box::new(storing))))
            }
            Err(body) => (OriginResponse { head, body }, None),
        }
    }

    fn plan_for_get(
        &self,
        request: &RequestHead,
        sent: &HeaderMap,
        response: &ResponseHead,
        Posted { fetched, before, own }: Posted,
    ) -> Option<StorePlan<P>> {
        let Configured::Ready(config) = &self.settings.state else { return None };
        let get = Rc::new(RequestHead { method: Method::GET, ..request.clone() });
        let selected = config.table.select(&get.url, &get.method);
        let ambiguous = config.table.is_ambiguous(&get.url, &get.method);
        let lookup = plan(&get, selected, ambiguous, &config.key_prefix, &self.settings.identity).ok()?;
        let asked = Asked { lookup: &lookup, no_store: false, policy: selected.policy, fetched };
        if !answers_get(request, sent, response, asked) {
            return None;
        }
        let admission = storability(response, asked).ok()?;
        Some(StorePlan {
            status: StatusCode::OK,
            admission,
            fetched,
            stamp: own,
            posted: Some(before),
            policy: selected.policy.clone(),
            primary: None,
            part: None,
            after_purge: false,
            lookup,
        })
    }
}
