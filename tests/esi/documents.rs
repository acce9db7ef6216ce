//! The documents in `fixtures/esi`: what goes in, what comes out; whole, and cut at every position.

use super::page::{assemble, squeezed, usual};
use crate::support::test;

macro_rules! documents {
    ($($name:literal),+) => {
        [$((
            $name,
            include_str!(concat!("../../fixtures/esi/", $name, ".in.html")),
            include_str!(concat!("../../fixtures/esi/", $name, ".out.html")),
        )),+]
    };
}

const DOCUMENTS: [(&str, &str, &str); 9] =
    documents!["include", "elsewhere", "markup", "vars", "choose", "try", "inline", "unterminated", "plain"];

#[test]
fn every_document_becomes_the_page_beside_it() {
    for (name, document, expected) in DOCUMENTS {
        let (page, _) = assemble(usual(), &[document.as_bytes()]);
        assert_eq!(squeezed(&page), squeezed(expected), "{name}");
    }
}

#[test]
fn a_document_cut_at_any_position_becomes_the_same_page() {
    for (name, document, _) in DOCUMENTS {
        let whole = assemble(usual(), &[document.as_bytes()]);
        for at in 0..=document.len() {
            let (start, rest) = document.as_bytes().split_at(at);
            assert_eq!(assemble(usual(), &[start, rest]), whole, "{name} cut at {at}");
        }
    }
}

#[test]
fn a_document_that_comes_in_small_pieces_becomes_the_same_page() {
    for (name, document, _) in DOCUMENTS {
        let whole = assemble(usual(), &[document.as_bytes()]);
        for size in [1, 2, 3, 7] {
            let pieces: Vec<_> = document.as_bytes().chunks(size).collect();
            assert_eq!(assemble(usual(), &pieces), whole, "{name} in pieces of {size}");
        }
    }
}

#[test]
fn what_is_not_shown_is_not_fetched() {
    for (name, never) in
        [("markup", "/never"), ("choose", "/basic"), ("choose", "/second"), ("choose", "/other"), ("try", "/never")]
    {
        let (_, document, _) = DOCUMENTS.into_iter().find(|(known, ..)| *known == name).expect("it is there");
        let (_, asked) = assemble(usual(), &[document.as_bytes()]);
        assert!(!asked.iter().any(|target| target == never), "{name}: {asked:?}");
    }
}
