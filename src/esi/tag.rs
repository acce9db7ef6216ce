//! What an ESI tag says: its element, and its attributes as the author meant them.

/// The elements of ESI 1.0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Element {
    Include,
    Inline,
    Remove,
    Comment,
    Vars,
    Choose,
    When,
    Otherwise,
    Try,
    Attempt,
    Except,
    /// Of another language that begins alike. The tag goes, what it holds stays.
    Unknown,
}

/// Which kind of tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Start,
    End,
    /// Both in one.
    Empty,
}

/// One tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tag<'a> {
    pub(super) element: Element,
    pub(super) form: Form,
    attributes: &'a str,
}

impl<'a> Tag<'a> {
    /// Reads what stands between `<` and `>`.
    pub(super) fn parse(text: &'a str) -> Self {
        let (text, is_end) = text.strip_prefix('/').map_or((text, false), |rest| (rest, true));
        let (text, is_empty) = text.strip_suffix('/').map_or((text, false), |rest| (rest, true));
        let (name, attributes) = text.split_at(text.find([' ', '\t', '\n', '\r']).unwrap_or(text.len()));
        let element = match name.strip_prefix("esi:").unwrap_or_default() {
            "include" => Element::Include,
            "inline" => Element::Inline,
            "remove" => Element::Remove,
            "comment" => Element::Comment,
            "vars" => Element::Vars,
            "choose" => Element::Choose,
            "when" => Element::When,
            "otherwise" => Element::Otherwise,
            "try" => Element::Try,
            "attempt" => Element::Attempt,
            "except" => Element::Except,
            _ => Element::Unknown,
        };
        let form = match (is_end, is_empty) {
            (true, _) => Form::End,
            (false, true) => Form::Empty,
            (false, false) => Form::Start,
        };
        Self { element, form, attributes }
    }

    /// The value of an attribute, references to characters resolved.
    pub(super) fn attribute(&self, name: &str) -> Option<String> {
        let mut rest = self.attributes;
        loop {
            let (found, after) = rest.split_once('=')?;
            let after = after.trim_ascii_start();
            let quote = after.chars().next().filter(|first| matches!(first, '"' | '\''));
            let (value, next) = match quote {
                Some(quote) => after.strip_prefix(quote)?.split_once(quote)?,
                None => after.split_at(after.find([' ', '\t', '\n', '\r']).unwrap_or(after.len())),
            };
            if found.split_ascii_whitespace().next_back() == Some(name) {
                return Some(unescape(value));
            }
            rest = next;
        }
    }
}

/// The five references of XML, and those by number. Another ampersand is one.
fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        plain.push_str(before);
        let reference = after.split_once(';').and_then(|(name, next)| Some((referenced(name)?, next)));
        let (character, next) = reference.unwrap_or(('&', after));
        plain.push(character);
        rest = next;
    }
    plain.push_str(rest);
    plain
}

fn referenced(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = name.strip_prefix('#')?;
            let (digits, radix) = number.strip_prefix(['x', 'X']).map_or((number, 10), |digits| (digits, 16));
            u32::from_str_radix(digits, radix).ok().and_then(char::from_u32)
        }
    }
}
