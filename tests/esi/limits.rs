//! What is too much, and what is not markup at all: the page is served without it.

use bytes::Bytes;
use larder::esi::{Assembler, limits};

use super::page::{assemble, shown, usual};
use crate::support::test;

#[test]
fn a_url_has_a_longest() {
    for (length, is_fetched) in [(limits::URL, true), (limits::URL + 1, false)] {
        let path = format!("/{}", "a".repeat(length - 1));
        assert_eq!(shown(usual(), &format!("<esi:include src=\"{path}\"/>")).is_empty(), !is_fetched, "{length}");
    }
}

#[test]
fn a_tag_that_is_too_long_is_skipped_to_its_end() {
    for attribute in ["x".repeat(1 << 20), "\"".to_owned() + &"x".repeat(1 << 20) + "\""] {
        assert_eq!(shown(usual(), &format!("a<esi:include src={attribute}/>b")), "ab");
    }
}

#[test]
fn a_variable_that_is_too_long_is_text() {
    let template = format!("<esi:vars>$({})</esi:vars>", "x".repeat(limits::VARIABLE + 10));
    let shown = shown(usual(), &template);
    assert_eq!(shown.len(), template.len() - "<esi:vars></esi:vars>".len());
}

#[test]
fn elements_can_be_nested_as_deep_as_anybody_needs_and_no_deeper() {
    let deep = |depth: usize| format!("{}x{}", "<esi:vars>".repeat(depth), "</esi:vars>".repeat(depth));
    for depth in [limits::NESTING, limits::NESTING + 1, 100_000] {
        assert_eq!(shown(usual(), &deep(depth)), "x", "{depth}");
    }
}

#[test]
fn inline_fragments_of_inline_fragments_do_not_grow_without_end() {
    let mut template = "<esi:inline name=\"/0\">x</esi:inline>".to_owned();
    for level in 1..=40 {
        let inner = format!("<esi:include src=\"/{}\"/>", level - 1);
        template.push_str(&format!("<esi:inline name=\"/{level}\">{inner}{inner}</esi:inline>"));
    }
    template.push_str("<esi:include src=\"/40\"/>");
    assert!(shown(usual(), &template).len() < 100_000);
}

#[test]
fn any_bytes_at_all_become_a_page() {
    // A generator of nonsense out of pieces of markup.
    const PIECES: [&str; 24] = [
        "<",
        ">",
        "/",
        "<esi:",
        "</esi:",
        "include",
        "choose",
        "when",
        "try",
        "attempt",
        "except",
        "vars",
        "inline",
        "remove",
        " src=\"/a\"",
        " test=\"1==1\"",
        "\"",
        "'",
        "/>",
        "<!--esi ",
        "-->",
        "$(",
        ")",
        "\u{fffd}x",
    ];
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut draw = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    for _ in 0..2000 {
        let document: String = (0..draw(40)).map(|_| PIECES[draw(PIECES.len())]).collect();
        let whole = assemble(usual(), &[document.as_bytes()]);
        let cut = draw(document.len() + 1);
        let (start, rest) = document.as_bytes().split_at(cut);
        assert_eq!(assemble(usual(), &[start, rest]), whole, "{document:?} cut at {cut}");
        let bytes: Vec<_> = document.as_bytes().chunks(1).collect();
        assert_eq!(assemble(usual(), &bytes), whole, "{document:?} byte by byte");
        assert!(!whole.0.contains("<esi:include"), "{document:?}");
    }
}

#[test]
fn what_comes_before_a_fragment_does_not_wait_for_it() {
    let mut assembler = Assembler::<Bytes>::new(usual());
    assembler.feed(&Bytes::from_static(b"a<esi:include src=\"/slow\"/>b<esi:include src=\"/fast\"/>c"));
    let text = |ready: Vec<Bytes>| String::from_utf8(ready.concat()).expect("text");
    let (slow, fast) = (assembler.next_wanted().expect("slow"), assembler.next_wanted().expect("fast"));
    assert_eq!(text(assembler.take_ready()), "a", "both are asked for at once, and nobody waits for the end");
    assembler.answer(fast.number, Some(Bytes::from_static(b"FAST")));
    assert_eq!(text(assembler.take_ready()), "", "in the order of the document");
    assembler.answer(slow.number, Some(Bytes::from_static(b"SLOW")));
    assert_eq!(text(assembler.take_ready()), "SLOWbFASTc");
    assembler.feed(&Bytes::from_static(b"d"));
    assembler.end();
    assert_eq!(text(assembler.take_ready()), "d");
    assert!(assembler.is_done());
}

#[test]
fn a_page_that_takes_too_long_goes_on_without_what_is_missing() {
    let mut assembler = Assembler::<Bytes>::new(usual());
    assembler.feed(&Bytes::from_static(
        b"a<esi:try><esi:attempt><esi:include src=\"/x\" alt=\"/y\"/></esi:attempt><esi:except>b<esi:include src=\"/z\"/></esi:except></esi:try>c",
    ));
    assembler.end();
    assert!(assembler.next_wanted().is_some());
    assembler.give_up();
    assert_eq!(assembler.take_ready().concat(), b"abc");
    assert!(assembler.is_done() && assembler.lacks());
}
