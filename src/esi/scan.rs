//! Finds ESI markup in a page, wherever it is cut: it can be fed byte by byte and finds the same.

use std::ops::Range;

use memchr::memchr;

use super::limits;

/// A part of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    /// This range of the bytes at hand is not ours.
    Text(Range<usize>),
    /// Nor are these, which came earlier and could have become so.
    Held(Vec<u8>),
    /// What stands between `<` and `>` of an ESI element.
    Tag(String),
    /// What stands between `$(` and `)`.
    Variable(String),
}

/// Where the scanner stands.
#[derive(Debug, Default)]
pub struct Scanner {
    state: State,
    /// What was read of something that has not ended.
    held: Vec<u8>,
    /// Inside `<!--esi … -->`.
    in_comment: bool,
    /// Whether variables are looked for: inside `<esi:vars>`.
    pub expands: bool,
}

#[derive(Debug, Default, Clone, Copy)]
enum State {
    #[default]
    Text,
    /// In a tag; in quotes, if any.
    Tag(Option<u8>),
    /// In a tag that is too long.
    Skipping,
    /// In a variable; in quotes or not.
    Variable(bool),
}

/// What begins at a byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Opening {
    Nothing,
    /// That depends on what comes.
    Unclear,
    Tag,
    Comment,
    EndOfComment,
    Variable,
}

/// More bytes than this are never needed to know.
const LONGEST_OPENING: usize = 8;

impl Scanner {
    /// The next token in `bytes`, from `at` on; `None` when all of them are read. What follows goes on where these end.
    pub fn next(&mut self, bytes: &[u8], at: &mut usize) -> Option<Token> {
        loop {
            let token = match self.state {
                State::Text if !self.held.is_empty() => self.resolve_held(bytes, at),
                State::Text => self.scan_text(bytes, at),
                State::Tag(quote) => self.scan_tag(bytes, at, quote),
                State::Skipping => self.skip(bytes, at),
                State::Variable(quoted) => self.scan_variable(bytes, at, quoted),
            };
            if token.is_some() || *at >= bytes.len() {
                return token;
            }
        }
    }

    /// What is left at the end: the beginning of a tag is dropped, anything else is text.
    pub fn finish(&mut self) -> Option<Token> {
        let held = std::mem::take(&mut self.held);
        let text = match std::mem::take(&mut self.state) {
            State::Text => held,
            State::Variable(_) => [b"$(", &held[..]].concat(),
            State::Tag(_) | State::Skipping => return None,
        };
        (!text.is_empty()).then_some(Token::Held(text))
    }

    fn scan_text(&mut self, bytes: &[u8], at: &mut usize) -> Option<Token> {
        let start = *at;
        let mut from = start;
        while let Some(found) = self.find_candidate(bytes.get(from..)?).map(|found| from + found) {
            let ahead = bytes.get(found..bytes.len().min(found + LONGEST_OPENING))?;
            match self.opening(ahead) {
                Opening::Nothing => from = found + 1,
                _ if found > start => {
                    *at = found;
                    return Some(Token::Text(start..found));
                }
                Opening::Unclear => {
                    self.held.extend_from_slice(ahead);
                    *at = bytes.len();
                    return None;
                }
                opening => {
                    *at = found + self.open(opening);
                    return None;
                }
            }
        }
        *at = bytes.len();
        (start < bytes.len()).then_some(Token::Text(start..bytes.len()))
    }

    fn find_candidate(&self, bytes: &[u8]) -> Option<usize> {
        if self.in_comment || self.expands {
            return bytes.iter().position(|byte| matches!(byte, b'<' | b'-' | b'$'));
        }
        memchr(b'<', bytes)
    }

    /// What `ahead` is the beginning of.
    fn opening(&self, ahead: &[u8]) -> Opening {
        let begins = |with: &[u8]| ahead.starts_with(with);
        let may_begin = |with: &[u8]| with.starts_with(ahead);
        match ahead {
            [b'<', ..] if begins(b"<esi:") || begins(b"</esi:") => Opening::Tag,
            // Not `<!--esign-->`.
            [b'<', ..] if begins(b"<!--esi") => match ahead.get(7) {
                Some(byte) if byte.is_ascii_alphanumeric() => Opening::Nothing,
                Some(_) => Opening::Comment,
                None => Opening::Unclear,
            },
            [b'<', ..] if may_begin(b"<esi:") || may_begin(b"</esi:") || may_begin(b"<!--esi") => Opening::Unclear,
            [b'-', ..] if self.in_comment && begins(b"-->") => Opening::EndOfComment,
            [b'-', ..] if self.in_comment && may_begin(b"-->") => Opening::Unclear,
            [b'$', b'(', ..] if self.expands => Opening::Variable,
            [b'$'] if self.expands => Opening::Unclear,
            _ => Opening::Nothing,
        }
    }

    /// Goes past an opening: how many bytes it takes.
    fn open(&mut self, opening: Opening) -> usize {
        match opening {
            Opening::Tag => {
                self.state = State::Tag(None);
                1
            }
            Opening::Comment => {
                self.in_comment = true;
                7
            }
            Opening::EndOfComment => {
                self.in_comment = false;
                3
            }
            Opening::Variable => {
                self.state = State::Variable(false);
                2
            }
            Opening::Nothing | Opening::Unclear => 0,
        }
    }

    /// With one byte more each time, until it is clear what was held.
    fn resolve_held(&mut self, bytes: &[u8], at: &mut usize) -> Option<Token> {
        loop {
            match self.opening(&self.held) {
                Opening::Unclear => {
                    self.held.push(*bytes.get(*at)?);
                    *at += 1;
                }
                Opening::Nothing => {
                    // Its end may itself begin something.
                    let begins =
                        |from: &usize| self.held.get(*from..).is_some_and(|end| self.opening(end) != Opening::Nothing);
                    let from = (1..self.held.len()).find(begins);
                    let rest = self.held.split_off(from.unwrap_or(self.held.len()));
                    return Some(Token::Held(std::mem::replace(&mut self.held, rest)));
                }
                opening => {
                    let taken = self.open(opening);
                    // What an opening leaves of the bytes that showed it belongs to what it opens.
                    let rest = self.held.split_off(taken);
                    self.held.clear();
                    match self.state {
                        State::Tag(_) | State::Variable(_) => self.held = rest,
                        _ => *at -= rest.len(),
                    }
                    return None;
                }
            }
        }
    }

    fn scan_tag(&mut self, bytes: &[u8], at: &mut usize, mut quote: Option<u8>) -> Option<Token> {
        while let Some(&byte) = bytes.get(*at) {
            match (quote, byte) {
                (None, b'>') => {
                    *at += 1;
                    self.state = State::Text;
                    let tag = std::mem::take(&mut self.held);
                    return Some(Token::Tag(String::from_utf8_lossy(&tag).into_owned()));
                }
                (None, b'<') => {
                    // It never ended, and something else begins.
                    self.state = State::Text;
                    self.held.clear();
                    return None;
                }
                // Only where a value begins: a stray quote does not swallow the rest of the page.
                (None, b'"' | b'\'') if self.held.trim_ascii_end().ends_with(b"=") => quote = Some(byte),
                (Some(open), _) if open == byte => quote = None,
                _ => {}
            }
            *at += 1;
            self.held.push(byte);
            if self.held.len() > limits::TAG {
                self.held.clear();
                self.state = State::Skipping;
                return None;
            }
        }
        self.state = State::Tag(quote);
        None
    }

    fn skip(&mut self, bytes: &[u8], at: &mut usize) -> Option<Token> {
        match memchr(b'>', bytes.get(*at..)?) {
            Some(end) => {
                *at += end + 1;
                self.state = State::Text;
            }
            None => *at = bytes.len(),
        }
        None
    }

    fn scan_variable(&mut self, bytes: &[u8], at: &mut usize, mut quoted: bool) -> Option<Token> {
        while let Some(&byte) = bytes.get(*at) {
            if byte == b'<' || self.held.len() >= limits::VARIABLE {
                self.state = State::Variable(false);
                return self.finish();
            }
            *at += 1;
            match byte {
                b')' if !quoted => {
                    self.state = State::Text;
                    let variable = std::mem::take(&mut self.held);
                    return Some(Token::Variable(String::from_utf8_lossy(&variable).into_owned()));
                }
                b'\'' => quoted = !quoted,
                _ => {}
            }
            self.held.push(byte);
        }
        self.state = State::Variable(quoted);
        None
    }
}
