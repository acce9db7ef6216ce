//! Age (RFC 9111 §4.2.3, §5.1).

use larder::cache::Fetched;
use larder::cache::age::{corrected_initial_age, current_age};
use larder::fields::Seconds;

use crate::support::{NOW, headers, test};

fn initial_age(fields: &[(&str, &str)], delay: u64) -> u32 {
    let received = NOW;
    let requested = larder::fields::Timestamp::from_millis(NOW.as_millis() - delay * 1000);
    corrected_initial_age(&headers(fields), Fetched { requested, received }).get()
}

#[test]
fn the_age_field_counts_by_its_first_member_and_not_at_all_if_that_is_invalid() {
    for (lines, expected) in [
        (&["30"][..], 30),
        (&["0"], 0),
        (&["030"], 30),
        (&["7200, 0"], 7200),
        (&["0, 7200"], 0),
        (&["7200", "0"], 7200),
        (&["0", "7200"], 0),
        (&[" 30 "], 30),
        (&["7200;foo=bar"], 7200),
        (&["-5"], 0),
        (&["1.5"], 0),
        (&["abc"], 0),
        (&[""], 0),
        (&["\"30\""], 0),
        (&["2147483648"], 2_147_483_648),
        (&["99999999999999999999"], 2_147_483_648),
    ] {
        let fields: Vec<_> = lines.iter().map(|line| ("age", *line)).collect();
        assert_eq!(initial_age(&fields, 0), expected, "{lines:?}");
    }
}

#[test]
fn it_is_the_greater_of_what_date_and_what_age_suggest() {
    let (now, hour_ago, in_an_hour) =
        ("Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 07:49:37 GMT", "Sun, 06 Nov 1994 09:49:37 GMT");
    for (fields, delay, expected) in [
        (&[("date", now)][..], 0, 0),
        (&[("date", now)], 3, 3),
        (&[("date", hour_ago)], 0, 3600),
        (&[("date", hour_ago), ("age", "60")], 0, 3600),
        (&[("date", hour_ago), ("age", "7200")], 2, 7202),
        (&[("date", in_an_hour)], 0, 0),
        (&[("date", in_an_hour), ("age", "60")], 0, 60),
        (&[("date", "yesterday"), ("age", "60")], 0, 60),
        (&[("age", "60")], 4, 64),
        (&[], 0, 0),
    ] {
        assert_eq!(initial_age(fields, delay), expected, "{fields:?} after {delay} s");
    }
}

#[test]
fn it_grows_with_the_time_in_the_store_and_never_past_its_end() {
    let later = |seconds: u64| larder::fields::Timestamp::from_millis(NOW.as_millis() + seconds * 1000);
    for (initial, stored_for, expected) in [(0u64, 0, 0u32), (30, 12, 42), (2_147_483_648, 10, 2_147_483_648)] {
        assert_eq!(current_age(Seconds::new(initial), NOW, later(stored_for)).get(), expected);
    }
    assert_eq!(current_age(Seconds::new(5), later(10), NOW).get(), 5, "a clock that goes back makes nothing younger");
}
