//! HTTP dates (RFC 9110 §5.6.7).

use larder::fields::Timestamp;

use crate::support::{NOW, test};

#[test]
fn all_three_forms_are_read_and_nothing_else() {
    let the_day = Some(784_111_777_000);
    for (text, expected) in [
        ("Sun, 06 Nov 1994 08:49:37 GMT", the_day),
        ("Sunday, 06-Nov-94 08:49:37 GMT", the_day),
        ("Sun Nov  6 08:49:37 1994", the_day),
        ("Sun, 06 Nov 1994 08:49:37 UTC", None),
        ("Sun, 06 Nov 1994 08:49:37 AEST", None),
        ("Sun, 06 Nov 1994 08:49:37 +0000", None),
        ("Sun, 06 Nov 94 08:49:37 GMT", None),
        ("Sun 06 Nov 1994 08:49:37 GMT", None),
        ("Sun, 06  Nov  1994 08:49:37 GMT", None),
        ("Sun, 06-Nov-1994 08:49:37 GMT", None),
        ("Sun, 06 Nov 1994 08.49.37 GMT", None),
        ("Sun, 06 Nov 1994 8:49:37 GMT", None),
        ("Sun, 06-Nov-94 08:49:37 GMT", None),
        ("Mon, 06 Nov 1994 08:49:37 GMT", None),
        ("Sun, 31 Feb 1994 08:49:37 GMT", None),
        ("0", None),
        ("-1", None),
        ("", None),
        ("Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT", None),
    ] {
        assert_eq!(Timestamp::parse(text, NOW).map(Timestamp::as_millis), expected, "{text}");
    }
}

#[test]
fn a_year_of_two_digits_is_never_more_than_fifty_years_ahead() {
    let in_2026 = Timestamp::from_millis(1_795_000_000_000);
    let year = |text: &str| Timestamp::parse(text, in_2026).map(|date| date.to_http_date()[12..16].to_owned());
    for (text, expected) in [
        ("Thursday, 18-Aug-50 02:01:18 GMT", "2050"),
        ("Monday, 18-Aug-70 02:01:18 GMT", "2070"),
        ("Friday, 18-Aug-94 02:01:18 GMT", ""),
        ("Thursday, 18-Aug-94 02:01:18 GMT", "1994"),
    ] {
        assert_eq!(year(text).unwrap_or_default(), expected, "{text}");
    }
}

#[test]
fn what_is_written_is_the_preferred_form() {
    assert_eq!(NOW.to_http_date(), "Sun, 06 Nov 1994 08:49:37 GMT");
    assert_eq!(Timestamp::from_millis(u64::MAX).to_http_date(), "Fri, 31 Dec 9999 23:59:59 GMT");
}
