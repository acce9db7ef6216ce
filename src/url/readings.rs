//! Looser readings of a path: what an origin might take it for.
//!
//! A cache that decides by one reading and an origin that answers by another is how private pages end up shared. If
//! any of these would select another route, nobody knows whose rules apply, and the request passes.

use super::canonical::{escaped_byte, has_pair, remove_dot_segments};

/// Characters at which some framework ends a path.
const DELIMITERS: [char; 10] = [';', '\0', '\n', '\r', '#', '?', '&', '!', ',', '~'];

/// The other paths that a more generous reader could see in a canonical one; none for an ordinary path.
#[must_use]
pub fn looser_readings(path: &str) -> Vec<String> {
    let is_suspect = |byte| matches!(byte, b'%' | b';' | b'&' | b'!' | b',' | b'~');
    if !path.bytes().any(is_suspect) && !has_pair(path, b"//") {
        return Vec::new();
    }
    let mut readings = vec![path.to_owned()];
    // Twice: what is escaped twice is decoded by two layers.
    for _ in 0..2 {
        readings.extend(readings.last().map(|last| decode(last)));
    }
    let decoded = readings.clone();
    for reading in decoded {
        readings.push(remove_dot_segments(&reading));
        readings.push(remove_dot_segments(&merge_slashes(&reading)));
        readings.push(remove_dot_segments(&cut_parameters(&reading)));
        readings.extend(cut_at_delimiters(&reading));
    }
    readings.sort_unstable();
    readings.dedup();
    readings.retain(|reading| reading != path);
    readings
}

/// Decodes every escape, and takes a backslash for a slash.
fn decode(path: &str) -> String {
    let bytes = path.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match escaped_byte(bytes, at) {
            Some(decoded) => {
                out.push(decoded);
                at += 3;
            }
            None => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).replace('\\', "/")
}

fn merge_slashes(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for character in path.chars() {
        if character != '/' || !out.ends_with('/') {
            out.push(character);
        }
    }
    out
}

/// Cuts `;name=value` from every segment.
fn cut_parameters(path: &str) -> String {
    let segments = path.split('/').map(|segment| segment.split(';').next().unwrap_or_default());
    segments.collect::<Vec<_>>().join("/")
}

/// The path as it is for readers that stop at one of the delimiters.
fn cut_at_delimiters(path: &str) -> impl Iterator<Item = String> {
    let heads = DELIMITERS.iter().filter_map(move |delimiter| path.split_once(*delimiter));
    heads.map(|(head, _)| remove_dot_segments(head))
}
