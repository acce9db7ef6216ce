//! What the cookies and paths of a framework mean: the defaults that `PRESET` stands for.

use super::glob::Glob;
use super::reader::keywords;

keywords! {
    /// Whose cookies and paths a site has.
    Preset {
        /// Django.
        Django = "django",
        /// Wagtail.
        Wagtail = "wagtail",
        /// WordPress.
        WordPress = "wordpress",
    }
}

/// `sessionid` is a visitor, `messages` holds what is shown once, `django_language` a choice that pages depend on.
const DJANGO_BYPASS: [&str; 3] = ["sessionid", "messages", "django_language"];

/// Whoever is signed in, has read a protected post, has commented, or has something in a basket.
const WORDPRESS_BYPASS: [&str; 9] = [
    "wordpress_logged_in_*",
    "wordpress_sec_*",
    "wp-postpass_*",
    "comment_author_*",
    "woocommerce_items_in_cart",
    "woocommerce_cart_hash",
    "wp_woocommerce_session_*",
    "edd_*",
    "PHPSESSID",
];

impl Preset {
    /// Cookies that make a request pass, unless a route has them in its key.
    #[must_use]
    pub fn bypass_cookies(self) -> &'static [&'static str] {
        match self {
            Self::Django | Self::Wagtail => &DJANGO_BYPASS,
            Self::WordPress => &WORDPRESS_BYPASS,
        }
    }

    /// Cookies that never matter, beside the usual ones. Django gives whoever comes without `csrftoken` to a page with a form a new one:
    /// such an answer sets a cookie that was withheld, so it is repeated with all cookies, and is nobody else's.
    #[must_use]
    pub fn ignored_cookies(self) -> &'static [&'static str] {
        match self {
            Self::Django | Self::Wagtail => &["csrftoken"],
            Self::WordPress => &["wordpress_test_cookie", "wp-settings-*"],
        }
    }

    /// Paths that pass, after the routes of the configuration.
    #[must_use]
    pub fn passed_paths(self) -> &'static [&'static str] {
        match self {
            Self::Django => &["/admin/*"],
            Self::Wagtail => &["/admin/*", "/django-admin/*"],
            Self::WordPress => &["/wp-admin/*", "/wp-login.php", "/wp-cron.php", "/xmlrpc.php", "/wp-json/*"],
        }
    }

    /// Those of its cookies that make a request pass on a route with these in its key.
    pub(super) fn bypass_beside<'k>(self, keyed: impl Iterator<Item = &'k String> + Clone) -> Vec<Glob> {
        let globs = self.bypass_cookies().iter().map(|name| Glob::new(name));
        globs.filter(|glob| !keyed.clone().any(|name| glob.matches(name))).collect()
    }
}
