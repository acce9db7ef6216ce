//! Purges by a prefix or a pattern of the path.

use serde::{Deserialize, Serialize};

use crate::policy::Glob;
use crate::url::CanonicalUrl;

/// A part of the site. The text is a prefix of the path, or with `glob` a pattern in which `*` matches any run of characters; a
/// pattern with a `?` is compared with path and query.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Area {
    /// One host, or any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Prefix or pattern.
    pub path: String,
    /// Which of the two.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub glob: bool,
}

impl Area {
    /// Reads `/path`, or `host/path`. `None` if there is no path.
    #[must_use]
    pub fn parse(text: &str, glob: bool) -> Option<Self> {
        let (host, path) = text.split_at_checked(text.find('/')?)?;
        let host = (!host.is_empty()).then(|| host.to_ascii_lowercase());
        Some(Self { host, path: path.to_owned(), glob })
    }
}

/// An area, ready to be compared.
#[derive(Debug)]
pub(super) struct Compiled {
    area: Area,
    glob: Option<Glob>,
}

impl Compiled {
    pub(super) fn new(area: Area) -> Self {
        let glob = area.glob.then(|| Glob::new(&area.path));
        Self { area, glob }
    }

    pub(super) fn covers(&self, url: &CanonicalUrl) -> bool {
        let of_host = self.area.host.as_ref().is_none_or(|host| host == url.authority.as_str());
        of_host
            && match &self.glob {
                None => url.path.starts_with(&self.area.path),
                Some(glob) if self.area.path.contains('?') => glob.matches(&url.target()),
                Some(glob) => glob.matches(&url.path),
            }
    }
}
