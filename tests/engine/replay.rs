//! The requests of `fixtures/replay`, replayed: nine of ten never reach the origin, and nobody sees another's page.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::support::test;
use crate::support::world::{Asked, Scripted, World};

const MIX: &str = include_str!("../../fixtures/replay/mix.json");

/// xorshift32.
struct Random(u32);

impl Random {
    /// From 0 to 1.
    fn draw(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        f64::from(self.0) / 4_294_967_296.0
    }

    fn percent(&mut self, percent: &Value) -> bool {
        self.draw() * 100.0 < percent.as_f64().expect("a number")
    }
}

/// A request: the page, the session if it carries one, and all cookies.
struct Replayed {
    path: String,
    session: Option<String>,
    cookies: String,
}

fn requests() -> Vec<Replayed> {
    let mix: Value = serde_json::from_str(MIX).expect("JSON");
    let number = |name: &str| mix[name].as_f64().expect("a number");
    let mut random = Random(number("seed") as u32);
    let request = |_| {
        let r = random.draw();
        let path = format!("/{}", (number("urls") * r * r * r) as u32);
        let signed_in = random.percent(&mix["sessions_percent"]);
        let visitor = (random.draw() * number("signed_in")) as u32;
        let session = signed_in.then(|| format!("s{visitor}"));
        let mut cookies: Vec<_> = session.iter().map(|session| format!("sessionid={session}")).collect();
        if random.percent(&mix["csrftoken_percent"]) || signed_in {
            cookies.push(format!("csrftoken=t{visitor}"));
        }
        if random.percent(&mix["analytics_percent"]) {
            cookies.push(format!("_ga=GA1.1.{visitor}; _gid=GA1.2.{visitor}"));
        }
        Replayed { path, session, cookies: cookies.join("; ") }
    };
    (0..number("requests") as usize).map(request).collect()
}

/// As Django answers: each page shows who is signed in, so it varies by cookie; one with a form has a token, which is its visitor's own.
fn django(forms: std::ops::Range<u32>) -> impl FnMut(&Asked) -> Scripted {
    move |asked| {
        let number: u32 = asked.url.rsplit('/').next().and_then(|text| text.parse().ok()).expect("a page");
        let cookies: HashMap<_, _> =
            asked.header("cookie").unwrap_or_default().split("; ").filter_map(|pair| pair.split_once('=')).collect();
        let who = cookies.get("sessionid").map_or_else(|| "public".to_owned(), |session| format!("of {session}"));
        let mut fields = vec![("cache-control", "max-age=600"), ("vary", "Cookie")];
        if forms.contains(&number) && !cookies.contains_key("csrftoken") {
            fields.push(("set-cookie", "csrftoken=new"));
        }
        let token = if forms.contains(&number) { cookies.get("csrftoken").copied().unwrap_or("new") } else { "" };
        let fields =
            if forms.contains(&number) { [&fields[1..], &[("cache-control", "private")]].concat() } else { fields };
        Scripted::new(200, &fields, &format!("{who} {token}"))
    }
}

#[test]
fn nine_requests_of_ten_are_answered_here_and_everybody_gets_their_own() {
    let mix: Value = serde_json::from_str(MIX).expect("JSON");
    let (urls, forms) =
        (mix["urls"].as_u64().expect("a number") as u32, mix["forms"].as_u64().expect("a number") as u32);
    let all = requests();
    for (site, most) in [
        // One copy for each who is signed in.
        (json!({ "vary_cookie": ["sessionid"] }), 2000),
        // Whoever is signed in passes: one request of ten.
        (json!({}), 2600),
    ] {
        let world = World::new(&json!({ "PRESET": "django", "SITE": site }), django(urls - forms..urls));
        for request in &all {
            let body = world.get(&request.path, &[("cookie", &request.cookies)]).body;
            let own = request.session.as_ref().map(|session| format!("of {session}"));
            let (who, token) = body.rsplit_once(' ').expect("a marker");
            assert!(who == "public" && own.is_none() || Some(who) == own.as_deref(), "{} got {body}", request.cookies);
            assert!(
                token.is_empty() || token == "new" || request.cookies.contains(token),
                "{} got {body}",
                request.cookies
            );
        }
        assert!(world.asked() <= most, "{site}: {} of {} reached the origin", world.asked(), all.len());
    }
}
