//! What the tables are about: a policy, a request that was looked up, a response that came.

use http::{Method, StatusCode};
use larder::cache::storability::{Admission, Asked, storability};
use larder::cache::{Fetched, Head, Stamp};
use larder::forward::{IdentityKeys, Lookup, plan};
use larder::message::{RequestHead, ResponseHead};
use larder::policy::{Config, Policy, Selected};
use larder::reason::Reason;
use larder::url::CanonicalUrl;
use serde_json::{Value, json};
use std::rc::Rc;

use crate::support::{NOW, headers};

/// When everything is fetched: asked and answered at once.
pub const FETCHED: Fetched = Fetched { requested: NOW, received: NOW };

/// `SITE` as it is, without jitter.
pub fn policy(site: &Value) -> Rc<Policy> {
    let mut site = site.clone();
    site["jitter"] = json!("0");
    let vars = json!({ "ORIGIN": "https://origin.test", "SITE": site });
    let config = Config::read(vars.as_object().expect("a table")).expect("no mistakes");
    config.table.site.clone()
}

/// A plain `origin` policy.
pub fn plain() -> Rc<Policy> {
    policy(&json!({}))
}

pub fn url(path: &str) -> CanonicalUrl {
    CanonicalUrl::parse(&format!("https://site.test{path}"), None).expect("a URL")
}

pub fn request(path: &str, fields: &[(&str, &str)]) -> RequestHead {
    RequestHead { method: Method::GET, url: url(path), headers: headers(fields), upgrade: false }
}

pub fn keys() -> IdentityKeys {
    IdentityKeys::new(Some("key"), None)
}

/// What becomes of a GET under `policy`.
pub fn looked_up(policy: &Rc<Policy>, path: &str, fields: &[(&str, &str)]) -> Result<Lookup, Reason> {
    plan(&Rc::new(request(path, fields)), Selected { policy, lists_method: true }, false, "", &keys())
}

pub fn response(status: u16, fields: &[(&str, &str)]) -> ResponseHead {
    ResponseHead { status: StatusCode::from_u16(status).expect("a status"), headers: headers(fields) }
}

/// Whether an answer to a plain GET is stored.
pub fn stored(policy: &Rc<Policy>, status: u16, fields: &[(&str, &str)]) -> Result<Admission, Reason> {
    answered(policy, &[], status, fields)
}

/// Whether an answer to a GET with these fields is stored.
pub fn answered(
    policy: &Rc<Policy>,
    asked: &[(&str, &str)],
    status: u16,
    fields: &[(&str, &str)],
) -> Result<Admission, Reason> {
    let lookup = looked_up(policy, "/page", asked).expect("it is looked up");
    storability(&response(status, fields), asking(&lookup, policy, FETCHED))
}

/// An exchange in which the client did not forbid to store anything.
pub fn asking<'a>(lookup: &'a Lookup, policy: &'a Rc<Policy>, fetched: Fetched) -> Asked<'a> {
    Asked { lookup, no_store: false, policy, fetched }
}

/// The stored response.
pub fn head(policy: &Rc<Policy>, status: u16, fields: &[(&str, &str)]) -> Head {
    let admission = stored(policy, status, fields).expect("it is stored");
    let Admission { terms, initial_age, headers, selecting, names } = admission;
    Head {
        key: looked_up(policy, "/page", &[]).expect("it is looked up").key,
        status: StatusCode::from_u16(status).expect("a status"),
        headers,
        fetched: FETCHED,
        initial_age,
        terms,
        draw: 0.0,
        selecting,
        generation: 1,
        stamp: Stamp::default(),
        fingerprint: policy.fingerprint,
        names,
        body: larder::cache::BodyFacts { length: 10, checksum: 7, digest: Some([7; 32]) },
    }
}
