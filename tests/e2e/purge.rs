//! Purges, in two Workers over one storage.

use serde_json::{Value, json};

use crate::support::{Answer, Client, Options, Origin, Reply, Worker, until, vars};

const ADMIN: (&str, &str) = ("Authorization", "Bearer admin-token");

struct Site {
    origin: Origin,
    workers: Vec<Worker>,
    folder: std::path::PathBuf,
}

impl Site {
    fn start(name: &str, workers: usize, more: &Value) -> Self {
        let folder = std::env::temp_dir().join(format!("larder-purge-{name}-{}", std::process::id()));
        let origin = Origin::start();
        let vars = vars(&origin.url(), more);
        let worker = |_| {
            let mut options = Options { persist: Some(folder.to_string_lossy().into_owned()), ..Options::default() };
            options.secrets["PURGE_TOKEN"] = "purge-token".into();
            Worker::with(&vars, &options)
        };
        let workers = (0..workers).map(worker).collect();
        Self { origin, workers, folder }
    }

    fn client(&self, worker: usize) -> Client {
        self.workers[worker].client("site.test")
    }

    fn serves(&self, path: &str, tag: &'static str) {
        self.origin.on(path, move |asked| {
            Answer::ok(&[("Cache-Control", "max-age=6000"), ("Cache-Tag", tag)], asked.marker())
        });
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn purge(client: &Client, body: &Value) -> Reply {
    client.request("POST", "/_larder/purge", &[ADMIN, ("Content-Type", "application/json")], &body.to_string())
}

#[test]
fn a_purge_is_seen_at_once_here_and_within_the_bound_elsewhere() {
    let site = Site::start("bound", 2, &json!({ "PURGE_BOUND": "2s" }));
    for number in 0..5 {
        let path = format!("/page-{number}");
        site.serves(&path, "news, page");
        let stale: Vec<_> = (0..2).map(|worker| site.client(worker).get(&path, &[]).text()).collect();
        assert!((0..2).all(|worker| site.client(worker).get(&path, &[]).is_hit()));
        let receipt = purge(&site.client(0), &json!({ "tags": ["news"] }));
        let shown: Value = serde_json::from_slice(&receipt.body).expect("it is JSON");
        assert_eq!((receipt.status, shown["bound_seconds"].as_u64()), (200, Some(2)), "{shown}");
        assert_eq!(shown["items"][0]["new"], json!(number == 0), "{shown}");
        assert_ne!(site.client(0).get(&path, &[]).text(), stale[0], "here, at once");
        until(|| (site.client(1).get(&path, &[]).text() != stale[1]).then_some(()));
    }
}

#[test]
fn strictly_it_is_seen_at_once() {
    let site = Site::start("strict", 2, &json!({ "SITE": { "strict_purge": true } }));
    for number in 0..5 {
        let path = format!("/page-{number}");
        site.serves(&path, "news");
        let stale: Vec<_> = (0..2).map(|worker| site.client(worker).get(&path, &[]).text()).collect();
        assert_eq!(purge(&site.client(0), &json!({ "tags": ["news"] })).status, 200);
        assert_ne!(site.client(1).get(&path, &[]).text(), stale[1]);
    }
}

#[test]
fn a_form_that_is_posted_at_one_shows_at_the_other() {
    let site = Site::start("post", 2, &json!({ "SITE": { "strict_purge": true } }));
    site.serves("/form", "form");
    let before = site.client(1).get("/form", &[]).text();
    assert_eq!(site.client(0).request("POST", "/form", &[], "x=1").status, 200);
    assert_ne!(site.client(1).get("/form", &[]).text(), before);
}

#[test]
fn only_who_may_purge_does() {
    let site = Site::start("auth", 1, &json!({}));
    site.serves("/page", "news");
    let client = site.client(0);
    client.get("/page", &[]);
    for (token, method, target, status) in [
        ("", "POST", "/_larder/purge", 401),
        ("wrong", "POST", "/_larder/purge", 401),
        ("read-token", "POST", "/_larder/purge", 403),
        ("purge-token", "POST", "/_larder/purge", 200),
        ("admin-token", "POST", "/_larder/purge", 200),
        ("admin-token", "GET", "/_larder/purge", 405),
        ("purge-token", "GET", "/_larder/health/", 403),
    ] {
        let bearer = format!("Bearer {token}");
        let headers = [("Authorization", bearer.as_str())];
        let headers = if token.is_empty() { &headers[..0] } else { &headers[..] };
        let body = if method == "POST" { r#"{"tags":["nothing"]}"# } else { "" };
        let reply = client.request(method, target, headers, body);
        assert_eq!(reply.status, status, "{token} {method} {target}: {}", reply.text());
        if status >= 400 {
            assert_eq!(reply.header("content-type").as_deref(), Some("application/problem+json"));
        }
    }
    assert!(client.get("/page", &[]).is_hit());
    assert_eq!(client.request("PURGE", "/page", &[("Authorization", "Bearer read-token")], "").status, 403);
    assert!(client.get("/page", &[]).is_hit());
    assert_eq!(client.request("PURGE", "/page", &[("Authorization", "Bearer purge-token")], "").status, 200);
    assert!(!client.get("/page", &[]).is_hit());
}

#[test]
fn a_request_that_is_too_large_or_senseless_changes_nothing() {
    let site = Site::start("limits", 1, &json!({}));
    let client = site.client(0);
    let huge = json!({ "tags": ["x".repeat(1 << 20)] });
    assert_eq!(purge(&client, &huge).status, 413);
    let reply = purge(&client, &json!({ "tags": [7] }));
    assert_eq!(reply.status, 400);
    assert!(reply.text().contains("tags[0]: found 7; wanted a tag"), "{}", reply.text());
}

#[test]
fn posting_to_random_urls_does_not_flush_the_cache() {
    let site = Site::start("flood", 1, &json!({}));
    site.serves("/kept", "kept");
    let client = site.client(0);
    client.get("/kept", &[]);
    for number in 0..700 {
        client.request("POST", &format!("/random-{number}"), &[], "");
    }
    assert!(client.get("/kept", &[]).is_hit());
}
