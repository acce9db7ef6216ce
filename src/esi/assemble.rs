//! Assembles a page: bytes of the template and fragments go in, in whatever order they come; bytes of the page come out, in order.

use http::HeaderName;

use super::limits;
use super::scan::{Scanner, Token};
use super::tag::{Element, Form, Tag};
use super::visitor::Visitor;
use crate::blob::Blob;
use crate::url::CanonicalUrl;

/// So many bytes are looked at at once.
const STEP: usize = 64 << 10;

/// A page that is being assembled.
pub struct Assembler<B> {
    visitor: Visitor,
    scanner: Scanner,
    /// Elements that are open, from the outside in.
    open: Vec<Frame<B>>,
    /// Whether what comes is part of the page.
    visible: bool,
    /// Parts of the page, and on top of them of what is open and has parts of its own.
    parts: Vec<Vec<Part<B>>>,
    includes: Vec<Include<B>>,
    /// Fragments to fetch, the next one first.
    wanted: Vec<usize>,
    inlines: Vec<(CanonicalUrl, Vec<Part<B>>)>,
    /// How often one of those was used: several in one, and so on, would grow without end.
    inlined: u32,
    ended: bool,
    written: usize,
}

/// A fragment to fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// For the answer.
    pub number: usize,
    /// Where it is.
    pub url: CanonicalUrl,
    /// How long and under which tags it is to be kept.
    pub hints: Hints,
}

/// What a template says about a fragment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hints {
    /// How long it holds, as the configuration writes durations.
    pub ttl: Option<String>,
    /// What it can be purged by, separated by commas.
    pub tags: Option<String>,
}

struct Frame<B> {
    element: Element,
    /// Whether the element itself is part of the page.
    visible: bool,
    /// Of `choose`: whether one of its branches was.
    taken: bool,
    /// Of `inline`: its name.
    name: Option<CanonicalUrl>,
    /// Of `try`: what was found in it.
    attempt: Vec<Part<B>>,
    except: Vec<Part<B>>,
}

#[derive(Clone)]
enum Part<B> {
    Bytes(B),
    Include(usize),
    Try { attempt: Vec<Part<B>>, except: Vec<Part<B>> },
}

struct Include<B> {
    /// What is to be tried, the last one first.
    targets: Vec<CanonicalUrl>,
    hints: Hints,
    /// Whether it may be missing without a word.
    optional: bool,
    state: State<B>,
}

enum State<B> {
    /// Nobody needs it yet.
    Idle,
    Wanted,
    Here(B),
    Failed,
}

/// What can be said of parts.
enum Outcome<B> {
    Ready(Vec<B>),
    Waits,
    Fails,
}

#[expect(
    clippy::indexing_slicing,
    reason = "the number of a fragment is its place, none is ever removed, and the page is the first part"
)]
impl<B: Blob> Assembler<B> {
    /// Begins a page.
    #[must_use]
    pub fn new(visitor: Visitor) -> Self {
        Self {
            visitor,
            scanner: Scanner::default(),
            open: Vec::new(),
            visible: true,
            parts: vec![Vec::new()],
            includes: Vec::new(),
            wanted: Vec::new(),
            inlines: Vec::new(),
            inlined: 0,
            ended: false,
            written: 0,
        }
    }

    /// Takes the next bytes of the template.
    pub fn feed(&mut self, piece: &B) {
        for start in (0..piece.len()).step_by(STEP) {
            let bytes = piece.read(start..piece.len().min(start + STEP));
            let mut at = 0;
            while let Some(token) = self.scanner.next(&bytes, &mut at) {
                match token {
                    Token::Text(range) if self.visible => {
                        self.add(Part::Bytes(piece.slice(start + range.start..start + range.end)));
                    }
                    Token::Text(_) => {}
                    token => self.take(token),
                }
            }
        }
    }

    /// The template is here whole. What is still open ends with it.
    pub fn end(&mut self) {
        if let Some(token) = self.scanner.finish() {
            self.take(token);
        }
        while !self.open.is_empty() {
            self.close();
        }
        self.ended = true;
    }

    /// A fragment to fetch.
    pub fn next_wanted(&mut self) -> Option<Wanted> {
        if self.wanted.is_empty() {
            return None;
        }
        let number = self.wanted.remove(0);
        let include = &mut self.includes[number];
        Some(Wanted { number, url: include.targets.pop()?, hints: include.hints.clone() })
    }

    /// What became of it. One that failed may have a stand-in.
    pub fn answer(&mut self, number: usize, fragment: Option<B>) {
        let include = &mut self.includes[number];
        if matches!(include.state, State::Failed) {
            // It was given up.
            return;
        }
        match fragment {
            Some(body) => include.state = State::Here(body),
            None if include.targets.is_empty() => include.state = State::Failed,
            None => self.wanted.push(number),
        }
    }

    /// Gives up what is not here yet.
    pub fn give_up(&mut self) {
        self.wanted.clear();
        for include in &mut self.includes {
            include.targets.clear();
            if !matches!(include.state, State::Here(_)) {
                include.state = State::Failed;
            }
        }
    }

    /// The bytes of the page that come next, as far as they are known.
    pub fn take_ready(&mut self) -> Vec<B> {
        let mut ready = Vec::new();
        while let Some(part) = self.parts[0].get(self.written).cloned() {
            match self.settle(&part, false) {
                Outcome::Ready(bytes) => ready.extend(bytes),
                Outcome::Waits => break,
                // Nobody above it can stand in for it: the page goes on without.
                Outcome::Fails => {}
            }
            self.parts[0][self.written] = Part::Bytes(B::from_bytes(bytes::Bytes::new()));
            self.written += 1;
        }
        if self.written == self.parts[0].len() {
            self.parts[0].clear();
            self.written = 0;
        }
        ready
    }

    /// Whether all of the template is here.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// Whether all of the page was taken.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.ended && self.parts[0].is_empty()
    }

    /// Whether a fragment failed, whatever stood in for it.
    #[must_use]
    pub fn lacks(&self) -> bool {
        self.includes.iter().any(|include| matches!(include.state, State::Failed))
    }

    /// Request fields that the page turned out to depend on.
    pub fn looked_at(&self) -> impl Iterator<Item = HeaderName> {
        self.visitor.looked_at.get().names()
    }

    fn add(&mut self, part: Part<B>) {
        if let Some(parts) = self.parts.last_mut() {
            parts.push(part);
        }
    }

    fn take(&mut self, token: Token) {
        match token {
            Token::Tag(text) => self.take_tag(Tag::parse(&text)),
            Token::Held(bytes) if self.visible => self.add(Part::Bytes(B::from_bytes(bytes.into()))),
            Token::Variable(variable) if self.visible => {
                let text = self.visitor.text_of(&variable);
                self.add(Part::Bytes(B::from_bytes(text.into())));
            }
            Token::Text(_) | Token::Held(_) | Token::Variable(_) => {}
        }
    }

    fn take_tag(&mut self, tag: Tag) {
        match (tag.element, tag.form) {
            (Element::Comment | Element::Unknown, _) | (Element::Include, Form::End) => {}
            (Element::Include, _) => self.include(tag),
            (element, Form::End) => {
                if self.open.iter().any(|frame| frame.element == element) {
                    while self.close() != Some(element) {}
                }
            }
            (_, Form::Start) => self.enter(tag),
            (_, Form::Empty) => {
                let depth = self.open.len();
                self.enter(tag);
                if self.open.len() > depth {
                    self.close();
                }
            }
        }
    }

    fn include(&mut self, tag: Tag) {
        if !self.visible {
            return;
        }
        let mut targets = Vec::new();
        for name in ["alt", "src"] {
            let reference = tag.attribute(name).unwrap_or_default();
            targets.extend(self.visitor.resolve(reference.trim_ascii()));
        }
        let inline = self.inlines.iter().find(|(name, _)| targets.last() == Some(name)).map(|(_, parts)| parts.clone());
        if let Some(parts) = inline.filter(|_| self.inlined < limits::INCLUDES) {
            self.inlined += 1;
            parts.into_iter().for_each(|part| self.add(part));
            return;
        }
        let number = self.includes.len();
        let leads_somewhere = !targets.is_empty();
        self.includes.push(Include {
            targets,
            hints: Hints { ttl: tag.attribute("ttl"), tags: tag.attribute("tags") },
            optional: tag.attribute("onerror").as_deref() == Some("continue"),
            state: if leads_somewhere { State::Idle } else { State::Failed },
        });
        self.add(Part::Include(number));
        // What may turn out not to be needed waits until it is.
        let is_needed = !self.open.iter().any(|frame| matches!(frame.element, Element::Except | Element::Inline));
        if leads_somewhere && is_needed {
            self.want(number);
        }
    }

    fn want(&mut self, number: usize) {
        self.includes[number].state = State::Wanted;
        self.wanted.push(number);
    }

    fn enter(&mut self, tag: Tag) {
        if self.open.len() == limits::NESTING {
            return;
        }
        let outer = self.visible;
        let mut frame = Frame {
            element: tag.element,
            visible: outer,
            taken: false,
            name: None,
            attempt: Vec::new(),
            except: Vec::new(),
        };
        match tag.element {
            Element::Choose | Element::Try | Element::Remove => self.visible = false,
            Element::When | Element::Otherwise => {
                let parent = self.open.last_mut().filter(|parent| parent.element == Element::Choose);
                let is_open = parent.as_ref().is_some_and(|choose| choose.visible && !choose.taken);
                let test = tag.attribute("test").unwrap_or_default();
                let passes = is_open && (tag.element == Element::Otherwise || self.visitor.passes(&test));
                if let Some(choose) = parent.filter(|_| passes) {
                    choose.taken = true;
                }
                self.visible = passes;
            }
            Element::Attempt | Element::Except => {
                let parent = self.open.last().filter(|parent| parent.element == Element::Try);
                self.visible = parent.is_some_and(|parent| parent.visible);
                self.parts.push(Vec::new());
            }
            Element::Inline => {
                let name = tag.attribute("name").unwrap_or_default();
                frame.name = self.visitor.resolve(name.trim_ascii());
                self.parts.push(Vec::new());
            }
            Element::Vars => self.scanner.expands = true,
            Element::Include | Element::Comment | Element::Unknown => {}
        }
        self.open.push(frame);
    }

    /// Ends the innermost element.
    fn close(&mut self) -> Option<Element> {
        let frame = self.open.pop()?;
        self.visible = frame.visible;
        match frame.element {
            Element::Attempt | Element::Except => {
                let parts = self.parts.pop().unwrap_or_default();
                match self.open.last_mut().filter(|parent| parent.element == Element::Try) {
                    Some(parent) if frame.element == Element::Attempt => parent.attempt = parts,
                    Some(parent) => parent.except = parts,
                    None => {}
                }
            }
            Element::Try if frame.visible => {
                self.add(Part::Try { attempt: frame.attempt, except: frame.except });
            }
            Element::Inline => {
                let parts = self.parts.pop().unwrap_or_default();
                if let Some(name) = frame.name.filter(|_| frame.visible) {
                    self.inlines.push((name, parts));
                }
            }
            Element::Vars => self.scanner.expands = self.open.iter().any(|frame| frame.element == Element::Vars),
            _ => {}
        }
        Some(frame.element)
    }

    /// What a part amounts to by now. In an attempt, what fails fails all of it.
    fn settle(&mut self, part: &Part<B>, in_attempt: bool) -> Outcome<B> {
        match part {
            Part::Bytes(bytes) => Outcome::Ready(vec![bytes.clone()]),
            Part::Include(number) => match &self.includes[*number].state {
                State::Here(body) => Outcome::Ready(vec![body.clone()]),
                State::Failed if in_attempt && !self.includes[*number].optional => Outcome::Fails,
                State::Failed => Outcome::Ready(Vec::new()),
                State::Wanted => Outcome::Waits,
                State::Idle => {
                    self.want(*number);
                    Outcome::Waits
                }
            },
            Part::Try { attempt, except } => match self.settle_all(attempt, true) {
                Outcome::Fails => self.settle_all(except, in_attempt),
                settled => settled,
            },
        }
    }

    fn settle_all(&mut self, parts: &[Part<B>], in_attempt: bool) -> Outcome<B> {
        let mut all = Vec::new();
        let mut waits = false;
        for part in parts {
            match self.settle(part, in_attempt) {
                Outcome::Ready(bytes) => all.extend(bytes),
                Outcome::Waits => waits = true,
                Outcome::Fails => return Outcome::Fails,
            }
        }
        if waits { Outcome::Waits } else { Outcome::Ready(all) }
    }
}
