//! What the origin has: pages in versions, each in representations whose bodies say what they are.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use bytes::Bytes;

use super::chance::Chance;

/// What kind of page it is: how its answers depend on who asks and how, and how freely they may be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The same for everybody, always to be stored, always usable when the origin fails.
    Steady,
    /// Without anything to validate it by.
    Undated,
    /// With nothing but `Last-Modified`.
    Modified,
    /// In two languages.
    Lingual,
    /// Another one for each who is signed in.
    Personal,
    /// Another one for each plan.
    Classed,
    /// Each version on other terms.
    Moody,
    /// Larger, and in ranges.
    Large,
    /// One parameter makes no difference, as it says itself.
    Search,
}

/// On what terms the origin gives an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Terms {
    pub max_age: Option<u32>,
    pub while_revalidate: Option<u32>,
    pub if_error: Option<u32>,
    pub public: bool,
    pub private: bool,
    pub no_store: bool,
    pub no_cache: bool,
    pub must_revalidate: bool,
    pub sets_cookie: bool,
    pub varies_by_cookie: bool,
}

impl Terms {
    fn lasting(max_age: u32) -> Self {
        Self { max_age: Some(max_age), ..Self::default() }
    }

    fn of(kind: Kind, forced: bool, chance: &Chance) -> Self {
        let short = chance.pick(&[5, 20, 60]);
        match kind {
            Kind::Steady => {
                let max_age = (!forced || chance.percent(50)).then_some(short);
                Self { max_age, if_error: Some(900), public: chance.percent(30), ..Self::default() }
            }
            Kind::Undated | Kind::Modified | Kind::Lingual => Self::lasting(short),
            Kind::Classed if chance.percent(50) => Self::default(),
            Kind::Classed | Kind::Search => Self::lasting(60),
            Kind::Large => Self { if_error: chance.pick(&[None, Some(60)]), ..Self::lasting(short) },
            Kind::Personal => Self::personal(chance),
            Kind::Moody => Self::moody(chance),
        }
    }

    /// What careful and careless applications say of a page for one visitor. None calls it public.
    fn personal(chance: &Chance) -> Self {
        let lasting = Self::lasting(60);
        match chance.below(7) {
            0 => Self { private: true, ..lasting },
            1 => Self { private: true, ..Self::default() },
            2 => Self { no_store: true, ..lasting },
            3 => Self { varies_by_cookie: true, ..lasting },
            4 => Self { private: true, sets_cookie: true, ..lasting },
            5 => Self::default(),
            _ => lasting,
        }
    }

    fn moody(chance: &Chance) -> Self {
        let few = |percent| chance.percent(percent);
        Self {
            max_age: chance.pick(&[None, Some(0), Some(5), Some(60), Some(300)]),
            while_revalidate: chance.pick(&[None, None, Some(10), Some(60)]),
            if_error: chance.pick(&[None, None, Some(10), Some(600)]),
            public: few(20),
            private: few(10),
            no_store: few(10),
            no_cache: few(10),
            must_revalidate: few(10),
            sets_cookie: few(10),
            varies_by_cookie: few(5),
        }
    }

    /// As `Cache-Control`; empty if there is nothing to say.
    pub fn cache_control(&self) -> String {
        let mut text = String::new();
        let mut say = |directive: &str, seconds: Option<u32>| {
            if !text.is_empty() {
                text.push_str(", ");
            }
            text.push_str(directive);
            if let Some(seconds) = seconds {
                text.push('=');
                text.push_str(&seconds.to_string());
            }
        };
        let flags = [
            (self.public, "public"),
            (self.private, "private"),
            (self.no_store, "no-store"),
            (self.no_cache, "no-cache"),
            (self.must_revalidate, "must-revalidate"),
        ];
        flags.iter().filter(|(said, _)| *said).for_each(|(_, directive)| say(directive, None));
        let spans = [
            (self.max_age, "max-age"),
            (self.while_revalidate, "stale-while-revalidate"),
            (self.if_error, "stale-if-error"),
        ];
        spans.iter().filter(|(span, _)| span.is_some()).for_each(|(span, directive)| say(directive, *span));
        text
    }
}

/// One state of a page.
pub struct Version {
    pub number: u32,
    pub since: u64,
    /// For `Last-Modified`: another second than the version before it.
    pub modified: u64,
    pub terms: Terms,
    pub status: u16,
    length: usize,
    representations: RefCell<Vec<Rc<Representation>>>,
}

/// What a version looks like to somebody, or an error in its place.
pub struct Representation {
    pub owner: &'static str,
    pub language: &'static str,
    pub query: String,
    pub version: u32,
    pub status: u16,
    pub body: Bytes,
    pub modified: u64,
}

impl Representation {
    pub fn etag(&self, kind: Kind) -> Option<String> {
        let tag = &self.body[self.body.len() - CHECKSUM..];
        let tag = format!("\"{}\"", String::from_utf8_lossy(tag));
        match kind {
            Kind::Undated | Kind::Modified => None,
            Kind::Lingual => Some(format!("W/{tag}")),
            _ => Some(tag),
        }
    }
}

/// A page: a URL, without the parameters that make no difference.
pub struct Page {
    pub host: &'static str,
    pub path: String,
    pub query: Option<&'static str>,
    pub kind: Kind,
    /// Which prefix of the configuration its path has.
    pub route: &'static str,
    versions: RefCell<Vec<Rc<Version>>>,
    /// Until when an exchange about it that went wrong may be felt.
    pub trouble: Cell<u64>,
}

impl Page {
    pub fn new(host: &'static str, route: &'static str, kind: Kind, query: Option<&'static str>) -> Self {
        let path = format!("{route}/{kind:?}").to_ascii_lowercase();
        Self { host, path, query, kind, route, versions: RefCell::default(), trouble: Cell::new(0) }
    }

    /// By which it is purged together with others.
    pub fn tag(&self) -> String {
        format!("{:?}", self.kind)
    }

    pub fn version(&self) -> Rc<Version> {
        self.versions.borrow().last().cloned().expect("a page has a version")
    }

    /// The one before that, if there was one.
    pub fn version_before(&self) -> Rc<Version> {
        let versions = self.versions.borrow();
        versions[versions.len().saturating_sub(2)].clone()
    }

    /// Another version, from now on.
    pub fn change(&self, now: u64, chance: &Chance) -> u32 {
        let mut versions = self.versions.borrow_mut();
        let last = versions.last().map(|version| (version.number, version.modified));
        let (number, after) = last.map_or((1, 0), |(number, modified)| (number + 1, modified + 1000));
        let whole_second = now / 1000 * 1000;
        let status =
            if self.kind == Kind::Moody { chance.weighted(&[(85, 200), (8, 404), (4, 301), (3, 410)]) } else { 200 };
        versions.push(Rc::new(Version {
            number,
            since: now,
            modified: whole_second.max(after),
            terms: Terms::of(self.kind, ["/f", "/u", "/c"].contains(&self.route), chance),
            status,
            length: if self.kind == Kind::Large { chance.between(900, 1500) } else { chance.between(140, 220) }
                as usize,
            representations: RefCell::default(),
        }));
        number
    }

    /// What a version of it looks like.
    pub fn represent(
        &self,
        version: &Version,
        owner: &'static str,
        language: &'static str,
        query: &str,
    ) -> Rc<Representation> {
        let mut known = version.representations.borrow_mut();
        let is_it = |one: &&Rc<Representation>| one.owner == owner && one.language == language && one.query == query;
        if let Some(representation) = known.iter().find(is_it) {
            return representation.clone();
        }
        let representation = Rc::new(self.draw_up(version, owner, language, query, version.status, 0));
        known.push(representation.clone());
        representation
    }

    /// An error, the `serial`th one.
    pub fn fail(&self, query: &str, status: u16, serial: u64) -> Rc<Representation> {
        Rc::new(self.draw_up(&self.version(), PUBLIC, "en", query, status, serial))
    }

    fn draw_up(
        &self,
        version: &Version,
        owner: &'static str,
        language: &'static str,
        query: &str,
        status: u16,
        serial: u64,
    ) -> Representation {
        let Version { number, since, modified, length, .. } = version;
        let mut body = format!(
            "{MAGIC}|{}|{}|{query}|{owner}|{language}|{number}|{status}|{since}|{serial}|",
            self.host, self.path
        );
        // Bytes that are nowhere twice, so that a part that was cut wrongly shows.
        let mut filler = u64::from(*number) * 7919 + since;
        while body.len() + 6 + CHECKSUM < *length {
            filler = filler.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            body.push_str(&format!("{:08x}", filler >> 32));
        }
        let length = body.len() + 6 + CHECKSUM;
        body.push_str(&format!("|{length:04}|"));
        body.push_str(&format!("{:016x}", checksum(body.as_bytes())));
        let (version, modified, query) = (*number, *modified, query.to_owned());
        Representation { owner, language, query, version, status, body: body.into(), modified }
    }
}

pub const PUBLIC: &str = "public";

pub const MAGIC: &str = "simulated";

const CHECKSUM: usize = 16;

/// What a whole body says of itself.
#[derive(Debug, PartialEq, Eq)]
pub struct Marker<'b> {
    pub host: &'b str,
    pub path: &'b str,
    pub query: &'b str,
    pub owner: &'b str,
    pub language: &'b str,
    pub version: u32,
    pub status: u16,
}

impl<'b> Marker<'b> {
    /// Reads it; `None` if the body is not whole, or not what it was.
    pub fn read(body: &'b [u8]) -> Option<Self> {
        let text = std::str::from_utf8(body).ok()?;
        let (rest, sum) = text.split_at_checked(text.len().checked_sub(CHECKSUM)?)?;
        let length = rest.strip_suffix('|')?.rsplit('|').next()?;
        if length.parse() != Ok(body.len()) || u64::from_str_radix(sum, 16) != Ok(checksum(rest.as_bytes())) {
            return None;
        }
        let mut fields = text.split('|');
        let mut next = || fields.next();
        if next()? != MAGIC {
            return None;
        }
        let (host, path, query, owner, language) = (next()?, next()?, next()?, next()?, next()?);
        let (version, status) = (next()?.parse().ok()?, next()?.parse().ok()?);
        Some(Self { host, path, query, owner, language, version, status })
    }
}

/// FNV-1a, eight bytes at a time where there are so many.
fn checksum(bytes: &[u8]) -> u64 {
    let step = |sum: u64, piece: u64| (sum ^ piece).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(23);
    let (whole, rest) = bytes.as_chunks::<8>();
    let sum = whole.iter().fold(0xcbf2_9ce4_8422_2325, |sum, piece| step(sum, u64::from_le_bytes(*piece)));
    rest.iter().fold(sum, |sum, byte| step(sum, u64::from(*byte)))
}
