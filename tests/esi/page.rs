//! A page, a visitor, and fragments that show where they were fetched.

use std::cell::Cell;
use std::rc::Rc;

use bytes::Bytes;
use larder::esi::{Assembler, Visitor, Wanted};
use larder::policy::Config;
use larder::url::CanonicalUrl;
use serde_json::{Value, json};

use crate::support::headers;

pub const URL: &str = "https://site.test/dir/page?first=Robin&html=%3Cb%3E%22%27%26&path=..%2Fadmin&dots=..";

/// Somebody with cookies, a language and a browser of 2001.
pub fn visitor(site: Value) -> Visitor {
    let vars = json!({ "ORIGIN": "http://origin.test", "SITE": site });
    let config = Config::read(vars.as_object().expect("a table")).expect("no mistakes");
    Visitor {
        url: CanonicalUrl::parse(URL, None).expect("a URL"),
        headers: headers(&[
            ("cookie", "group=Advanced; beta=secret; other=1; sessionid=s3cret"),
            ("accept-language", "da, de;q=0.7"),
            ("user-agent", "Mozilla/4.0 (compatible; MSIE 5.5; Windows NT 5.0)"),
            ("referer", "http://roberts.test/"),
        ]),
        policy: config.table.site.clone(),
        hosts: vec!["listed.test".to_owned()],
        looked_at: Cell::default(),
    }
}

pub fn usual() -> Visitor {
    visitor(json!({ "cookie_class": { "group": ["Advanced", "Basic User"], "beta": "present" } }))
}

/// A fragment: where it was fetched; nothing from where there is nothing.
pub fn fragment(wanted: &Wanted) -> Option<Bytes> {
    let url = &wanted.url;
    let host = if url.authority.as_str() == "site.test" { "" } else { url.authority.as_str() };
    (!url.path.starts_with("/missing")).then(|| format!("[{host}{}]", url.target()).into())
}

/// The page, and the fragments that were asked for.
pub fn assemble(visitor: Visitor, pieces: &[&[u8]]) -> (String, Vec<String>) {
    let mut assembler = Assembler::<Bytes>::new(visitor);
    let (mut page, mut asked) = (Vec::new(), Vec::new());
    for piece in pieces {
        assembler.feed(&Bytes::copy_from_slice(piece));
    }
    assembler.end();
    loop {
        assembler.take_ready().iter().for_each(|bytes| page.extend_from_slice(bytes));
        let Some(wanted) = assembler.next_wanted() else { break };
        asked.push(wanted.url.target());
        assembler.answer(wanted.number, fragment(&wanted));
    }
    assert!(assembler.is_done(), "it waits for nothing");
    (String::from_utf8(page).expect("text"), asked)
}

pub fn shown(visitor: Visitor, template: &str) -> String {
    assemble(visitor, &[template.as_bytes()]).0
}

/// Without the white space, which is not the point.
pub fn squeezed(text: &str) -> String {
    Rc::<str>::from(text).split_whitespace().collect::<Vec<_>>().join(" ")
}
