//! Tests, variables, and what each of them may see.

use serde_json::json;

use super::page::{shown, usual, visitor};
use crate::support::test;

fn holds(test: &str) -> bool {
    shown(usual(), &format!("<esi:choose><esi:when test=\"{test}\">yes</esi:when></esi:choose>")) == "yes"
}

#[test]
fn expressions_hold_as_the_note_says() {
    for (test, expected) in [
        // The note's own examples.
        ("!(1==1)", false),
        ("!('a'&lt;='c')", false),
        ("(1==1)|('abc'=='def')", true),
        ("(4!=5)&amp;(4==5)", false),
        ("(1 &amp; 4)", false),
        ("('abc' | 'edf')", false),
        ("$(HTTP_HOST) == 'site.test'", true),
        // Numbers as numbers, the rest as text.
        ("10 > 9", true),
        ("'10' > '9'", true),
        ("'10a' > '9'", false),
        ("1.5 < 1.25", false),
        ("-2 < 1", true),
        ("1.0 == 1", true),
        ("3.01.23 == 3.01.23", true),
        ("2 >= 2", true),
        ("2 <= 1", false),
        ("'b' > 'a'", true),
        ("'a' != 'b'", true),
        // Precedence: comparison, not, and, or.
        ("1==2 | 1==1 &amp; 2==2", true),
        ("1==1 | 1==1 &amp; 1==2", true),
        ("!1==2", true),
        ("!!1==1", true),
        ("1==1 &amp;&amp; 2==2 || 1==2", true),
        ("((1==1))", true),
        // What is not there makes a comparison false, either way.
        ("$(HTTP_COOKIE{nobody}) == ''", false),
        ("$(HTTP_COOKIE{nobody}) != 'x'", false),
        ("!($(HTTP_COOKIE{nobody}) == 'x')", true),
        ("$(QUERY_STRING{none}|'Robin') == 'Robin'", true),
        // A variable alone: whether it is there.
        ("$(HTTP_COOKIE{group})", true),
        ("$(HTTP_COOKIE{nobody})", false),
        ("!$(HTTP_COOKIE{nobody})", true),
        ("$(HTTP_ACCEPT_LANGUAGE{de})", true),
        ("$(HTTP_ACCEPT_LANGUAGE{fr})", false),
        ("$(HTTP_USER_AGENT{os}) == 'WIN'", true),
        ("$(HTTP_USER_AGENT{version}) >= 5.5", true),
        ("$(QUERY_STRING{first}) has 'ob'", true),
        // No expressions.
        ("", false),
        ("'x'", false),
        ("1", false),
        ("1 ==", false),
        ("(1==1", false),
        ("1==1)", false),
        ("1==1 1==1", false),
        ("$(HTTP_HOST", false),
        ("'a' == 'a", false),
        ("((((((((((((((((((1==1))))))))))))))))))", false),
    ] {
        assert_eq!(holds(test), expected, "{test}");
    }
}

#[test]
fn only_cookies_in_the_key_of_the_page_can_be_read() {
    let template = "<esi:vars>[$(HTTP_COOKIE{sessionid})]</esi:vars><esi:choose><esi:when test=\"$(HTTP_COOKIE{sessionid})\">in</esi:when>\
        <esi:otherwise>out</esi:otherwise></esi:choose><esi:include src=\"/u?s=$(HTTP_COOKIE{sessionid}|none)\"/>";
    for (site, expected) in [
        (json!({}), "[]out[/u?s=none]"),
        (json!({ "bypass_cookie": ["sessionid"] }), "[]out[/u?s=none]"),
        // A value that names a visitor never gets into a URL.
        (json!({ "vary_cookie": ["sessionid"] }), "[s3cret]in[/u?s=none]"),
        (json!({ "cookie_class": { "sessionid": "present" } }), "[present]in[/u?s=present]"),
        (json!({ "cookie_class": { "sessionid": ["other"] } }), "[]out[/u?s=none]"),
        (json!({ "cookie_class": { "sessionid": ["s3cret"] } }), "[s3cret]in[/u?s=s3cret]"),
    ] {
        assert_eq!(shown(visitor(site.clone()), template), expected, "{site}");
    }
}
