//! Moments, and HTTP's three ways to write one
//! ([RFC 9110 §5.6.7](https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7)).

use std::time::{Duration, UNIX_EPOCH};

use super::seconds::Seconds;

const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// The mean Gregorian year.
const YEAR_MILLIS: u64 = 31_556_952_000;

/// A moment, in milliseconds since 1970 UTC. Decisions are given it; they never ask a clock.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The moment `millis` milliseconds after 1970.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// Whole seconds from `earlier` to here, rounded down; zero if it is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Seconds {
        Seconds::new(self.0.saturating_sub(earlier.0) / 1000)
    }

    /// The moment `seconds` after this one.
    #[must_use]
    pub const fn plus(self, seconds: Seconds) -> Self {
        Self(self.0.saturating_add(seconds.as_millis()))
    }

    /// Reads an HTTP-date in any of its three forms. `None` for everything else: what an unreadable date means is
    /// the caller's to say.
    ///
    /// `now` resolves the two-digit year of the RFC 850 form: one that appears to be more than 50 years in the
    /// future is the most recent such year in the past.
    #[must_use]
    pub fn parse(text: &str, now: Self) -> Option<Self> {
        if text.contains('-') {
            let limit = Self(now.0.saturating_add(50 * YEAR_MILLIS));
            return ["20", "19"]
                .into_iter()
                .filter_map(|century| parse_rfc850(text, century))
                .find(|&date| date <= limit);
        }
        let date = httpdate::parse_http_date(text).ok()?.duration_since(UNIX_EPOCH).ok()?;
        u64::try_from(date.as_millis()).ok().map(Self)
    }

    /// The preferred form, always in GMT.
    #[must_use]
    pub fn to_http_date(self) -> String {
        // httpdate ends with the year 9999.
        let capped = self.0.min(253_402_300_799_000);
        httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_millis(capped))
    }
}

/// `Sunday, 06-Nov-94 08:49:37 GMT`, read as `Sun, 06 Nov <century>94 08:49:37 GMT`.
fn parse_rfc850(text: &str, century: &str) -> Option<Timestamp> {
    let (weekday, rest) = text.split_once(", ").filter(|(weekday, _)| WEEKDAYS.contains(weekday))?;
    let (date, time) = rest.split_once(' ')?;
    let [day, month, year] = <[&str; 3]>::try_from(date.split('-').collect::<Vec<_>>()).ok()?;
    let imf_fixdate = format!("{}, {day} {month} {century}{year} {time}", weekday.get(..3)?);
    let date = httpdate::parse_http_date(&imf_fixdate).ok()?.duration_since(UNIX_EPOCH).ok()?;
    u64::try_from(date.as_millis()).ok().map(Timestamp)
}
