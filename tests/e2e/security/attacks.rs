//! The forms that attacks take: an attacker, a victim, and a page in every state.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use super::echo;
use super::states::{Page, brought_to, clean, round_trip};
use super::table::{State, sweep, trial};
use crate::support::{Answer, Asked, Client, Gate, Reply, until};

/// The attacker asks, the victim asks; both again; in every state of the page, and with the victim joining the attacker's fill. In none
/// of it does the victim see anything but the page, and a good page stays.
pub fn poison(case: &str, prefix: &str, attack: impl Fn(&Client, &str) -> Reply + Sync, marker: &str) {
    poison_page(case, prefix, echo, attack, marker);
}

/// The same with a page that the origin makes by `script`.
pub fn poison_page(
    case: &str,
    prefix: &str,
    script: impl Fn(&Asked) -> Answer + Send + Sync + Copy + 'static,
    attack: impl Fn(&Client, &str) -> Reply + Sync,
    marker: &str,
) {
    let stem = format!("{prefix}{}", slug(case));
    let path = |state: &str| format!("{stem}-{state}");
    let twin = brought_to(State::Cold, &path("twin"), &[], script);
    let expected = clean(&twin.look(), &twin);
    assert_eq!(expected.0, 200, "{case}");
    let check = |seen: &Reply, page: &Page, moment: &str| {
        assert!(!seen.contains(marker), "{case}, {moment}: {}", seen.text());
        assert_eq!(clean(seen, page), expected, "{case}, {moment}");
    };
    sweep(case, |state| {
        let mut page = brought_to(state, &path(&state.to_string()), &[], script);
        let good = (state == State::Fresh).then(|| page.look());
        page.ask(&attack);
        page.first.iter().for_each(|first| check(first, &page, "in flight before the attack"));
        let seen = page.look();
        check(&seen, &page, &format!("{state}, after the attack"));
        if let Some(good) = good {
            assert!(seen.is_hit() && seen.text() == good.text(), "{case}: {} replaced it", seen.text());
        }
        page.ask(&attack);
        until(|| {
            let seen = page.look();
            check(&seen, &page, &format!("{state}, after a second attack"));
            // While the origin fails there is nothing fresh to wait for.
            (state == State::StaleIfError || seen.is_hit() && seen.detail().is_none()).then_some(())
        });
        if state == State::Filling {
            let (page, seen) = joined(&path("joined"), script, &attack);
            check(&seen, &page, "joining the attack");
            check(&page.look(), &page, "after joining the attack");
        }
    });
}

/// The attacker asks, and the victim while the origin has not answered yet.
fn joined(
    path: &str,
    script: impl Fn(&Asked) -> Answer + Send + Sync + 'static,
    attack: impl Fn(&Client, &str) -> Reply + Sync,
) -> (Page, Reply) {
    let gate = Gate::new();
    let barrier = gate.clone();
    let page = brought_to(State::Cold, path, &[], move |asked| Answer::Gated(barrier.clone(), Box::new(script(asked))));
    let seen = thread::scope(|scope| {
        let attacking = scope.spawn(|| attack(&page.client, &page.path));
        round_trip(&page.client);
        let joining = scope.spawn(|| page.look());
        round_trip(&page.client);
        gate.open();
        drop(attacking.join().expect("the attacker is answered"));
        joining.join().expect("the victim is answered")
    });
    (page, seen)
}

/// The victim visits a URL, signed in; then somebody without a cookie, and somebody else, twice. Nobody sees the victim's name. What was
/// there before, in the states where something was, is a public file of that name; then the application answers for whoever asks.
pub fn deceive(case: &str, target: &str) {
    const ALICE: &[(&str, &str)] = &[("Cookie", "sid=alice")];
    let own = slug(case);
    sweep(case, |state| {
        let target = format!("{target}{}{own}-{state}", if target.contains('?') { '&' } else { '?' });
        let visitor = if state == State::Filling { ALICE } else { &[] };
        let mut page = brought_to(state, &target, visitor, after_a_file(state, account));
        if state != State::Filling {
            page.ask(|client, target| client.get(target, ALICE));
        }
        for cookie in [&[][..], &[("Cookie", "sid=bob")], &[], &[("Cookie", "sid=bob")]] {
            let seen = page.ask(|client, target| client.get(target, cookie));
            assert!(!seen.contains("alice"), "{case} {target}: {}", seen.text());
        }
    });
}

/// The origin's answer is for one: whatever `script` makes of a request, nobody gets what somebody else got before. It says so itself by a
/// `mine=` and the number of the request, anywhere in the answer.
pub fn never_shared(
    case: &str,
    prefix: &str,
    visitors: &[&[(&str, &str)]],
    script: impl Fn(&Asked) -> Answer + Send + Sync + Copy + 'static,
) {
    never_shared_file(case, prefix, "", visitors, script);
}

/// The same under a name with this extension.
pub fn never_shared_file(
    case: &str,
    prefix: &str,
    extension: &str,
    visitors: &[&[(&str, &str)]],
    script: impl Fn(&Asked) -> Answer + Send + Sync + Copy + 'static,
) {
    let own = slug(case);
    sweep(case, |state| {
        let path = format!("{prefix}{own}-{state}{extension}");
        let mut page = brought_to(state, &path, visitors[0], after_a_file(state, script));
        let mut seen = Vec::new();
        for visitor in visitors.iter().cycle().take(visitors.len() * 2) {
            seen.push(page.ask(|client, path| client.get(path, visitor)));
            seen.extend(page.first.take());
        }
        let mut mine: Vec<_> = seen.iter().filter_map(numbered).collect();
        let count = mine.len();
        mine.sort_unstable();
        mine.dedup();
        assert_eq!(mine.len(), count, "{case} {path}, {state}: {seen:?}");
        let is_stored = matches!(state, State::Fresh | State::StaleWhileRevalidate | State::StaleIfError);
        assert!(is_stored || count > 0, "{case} {path}, {state}: {seen:?}");
    });
}

/// The number that the origin put on an answer.
fn numbered(reply: &Reply) -> Option<u32> {
    let fields = reply.headers.iter().map(|(_, value)| value.clone());
    let text = fields.chain([reply.text()]).find(|text| text.contains("mine="))?;
    let number: String = text.split("mine=").nth(1)?.chars().take_while(char::is_ascii_digit).collect();
    number.parse().ok()
}

/// Where a page is stored before the attack it was a public file; then `script` answers.
fn after_a_file(
    state: State,
    script: impl Fn(&Asked) -> Answer + Send + Sync + 'static,
) -> impl Fn(&Asked) -> Answer + Send + Sync + 'static {
    let was_file = AtomicBool::new(matches!(state, State::Cold | State::Filling));
    move |asked| if was_file.swap(true, Ordering::SeqCst) { script(asked) } else { file(asked) }
}

/// The origin answers one request badly, whoever's it is, and is well again: what a visitor asks for next is the page. The attacker has
/// chosen the moment, and asks past what is stored.
pub fn ill_once(
    case: &str,
    prefix: &str,
    states: &[State],
    bad: impl Fn(&Asked) -> Answer + Send + Sync + Copy + 'static,
) {
    for state in states {
        trial(case, *state, || {
            let path = format!("{prefix}{}-{state}", slug(case));
            let before = usize::from(!matches!(state, State::Cold | State::Filling));
            let count = AtomicUsize::new(0);
            let mut page = brought_to(*state, &path, &[], move |asked| {
                if count.fetch_add(1, Ordering::SeqCst) == before {
                    bad(asked)
                } else {
                    Answer::ok(&[("Cache-Control", "max-age=60")], "the page")
                }
            });
            page.ask(|client, path| client.get(path, &[("Cache-Control", "no-cache")]));
            for _ in 0..3 {
                let seen = page.look();
                // An origin that fails may be said to.
                let says_so = *state == State::StaleIfError && seen.status == 503;
                assert!(
                    says_so || (seen.status, seen.text().as_str()) == (200, "the page"),
                    "{case}, {state}: {seen:?}"
                );
            }
        });
    }
}

/// A case in a path that nobody else uses.
pub fn slug(case: &str) -> String {
    static USED: AtomicUsize = AtomicUsize::new(0);
    let number = USED.fetch_add(1, Ordering::SeqCst);
    format!("{}-{number}", case.to_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "-"))
}

/// A file that is everybody's, of the type that its name says.
pub fn file(asked: &Asked) -> Answer {
    let path = asked.target.split('?').next().unwrap_or_default();
    let media_type = match path.rsplit('.').next() {
        Some("json") => "application/json",
        Some("css") => "text/css",
        Some("js") => "text/javascript",
        Some("jpg") => "image/jpeg",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("svg") => "image/svg+xml",
        Some("woff2") => "font/woff2",
        Some("pdf") => "application/pdf",
        Some("txt") => "text/plain",
        _ => "text/html",
    };
    Answer::ok(&[("Content-Type", media_type), ("Cache-Control", "public, max-age=60")], "a file")
}

/// The page of whoever asks, as an application sends it that says nothing of caching.
pub fn account(asked: &Asked) -> Answer {
    Answer::ok(&[("Content-Type", "text/html")], asked.marker())
}
