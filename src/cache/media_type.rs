//! Cache-deception armour: whether what came back is what the path's extension says it is.
//!
//! A page that an origin serves under `/account/x.css` is a page, not a stylesheet.

use http::HeaderMap;
use http::header::CONTENT_TYPE;

use crate::fields::grammar::{sole_line, trim_ows};

/// Extensions and what may stand in `Content-Type` for them: types, or families that end in `/`.
const TYPES: &[(&[&str], &[&str])] = &[
    (&["css"], &["text/css"]),
    (
        &["js", "mjs", "cjs"],
        &["text/javascript", "application/javascript", "application/x-javascript", "application/ecmascript"],
    ),
    (&["json", "map", "webmanifest"], &["application/json", "application/manifest+json", "text/json"]),
    (&["xml", "rss", "atom"], &["application/xml", "text/xml", "application/rss+xml", "application/atom+xml"]),
    (&["html", "htm", "xhtml"], &["text/html", "application/xhtml+xml"]),
    (&["txt", "md"], &["text/plain", "text/markdown"]),
    (&["csv"], &["text/csv", "text/plain"]),
    (&["svg", "svgz"], &["image/svg+xml"]),
    (&["png", "jpg", "jpeg", "gif", "webp", "avif", "bmp", "ico", "tif", "tiff", "jxl", "heic"], &["image/"]),
    (
        &["woff", "woff2", "ttf", "otf", "eot"],
        &["font/", "application/font-", "application/x-font-", "application/vnd.ms-fontobject"],
    ),
    (&["mp3", "ogg", "oga", "wav", "flac", "m4a", "aac", "opus", "weba"], &["audio/", "application/ogg"]),
    (
        &["mp4", "webm", "mov", "m4v", "ogv", "avi", "mkv", "m3u8", "ts"],
        &["video/", "application/vnd.apple.mpegurl", "application/x-mpegurl"],
    ),
    (&["pdf"], &["application/pdf"]),
    (&["wasm"], &["application/wasm"]),
    (
        &["zip", "gz", "tgz", "bz2", "xz", "zst", "7z", "rar", "tar"],
        &["application/zip", "application/gzip", "application/x-"],
    ),
];

/// Whether the media type fits the extension of the last path segment. A path without an extension fits everything; one with
/// an extension that is not known fits everything but a page. No media type at all fits nothing that has an extension.
#[must_use]
pub fn fits_extension(path: &str, headers: &HeaderMap) -> bool {
    let segment = path.rsplit('/').next().unwrap_or_default();
    let Some((_, extension)) = segment.rsplit_once('.').filter(|(_, extension)| !extension.is_empty()) else {
        return true;
    };
    let Some(media_type) = sole_line(headers, CONTENT_TYPE).and_then(|value| value.split(';').next()).map(trim_ows)
    else {
        return false;
    };
    let (extension, media_type) = (extension.to_ascii_lowercase(), media_type.to_ascii_lowercase());
    match TYPES.iter().find(|(extensions, _)| extensions.contains(&extension.as_str())) {
        Some((_, types)) => types
            .iter()
            .any(|known| media_type == *known || (known.ends_with(['/', '-']) && media_type.starts_with(known))),
        None => !matches!(media_type.as_str(), "text/html" | "application/xhtml+xml"),
    }
}
