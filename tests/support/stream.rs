//! Bodies under way in the simulated world: those an origin sends, and those the engine writes.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;

use bytes::Bytes;
use larder::engine::ports::{Abandoned, BodyLimits, CollectError};

use super::executor::Executor;

/// A body under way.
#[derive(Clone)]
pub enum Stream {
    /// Its pieces, and whether the end is missing.
    Pieces(VecDeque<Bytes>, bool),
    /// What is being written.
    Pipe(Pipe),
}

impl Stream {
    pub fn tee(self) -> Result<(Self, Self), Self> {
        if matches!(self, Self::Pipe(_)) { Err(self) } else { Ok((self.clone(), self)) }
    }

    pub async fn next(&mut self) -> Result<Option<Bytes>, CollectError> {
        match self {
            Self::Pieces(pieces, breaks_off) => match pieces.pop_front() {
                None if *breaks_off => Err(CollectError::Truncated),
                piece => Ok(piece),
            },
            Self::Pipe(pipe) => pipe.next().await,
        }
    }

    pub async fn collect(mut self, mut limits: BodyLimits) -> Result<Bytes, CollectError> {
        let mut whole = Vec::new();
        while let Some(piece) = self.next().await? {
            if !limits.room.take(piece.len() as u64) {
                return Err(CollectError::TooLarge);
            }
            whole.extend_from_slice(&piece);
        }
        Ok(whole.into())
    }

    /// All that is there: the text; of what was written bit by bit, each bit and when; whether it ended as it should.
    pub fn seen(self) -> (String, Vec<(u64, String)>, bool) {
        let text = |bytes: &Bytes| String::from_utf8_lossy(bytes).into_owned();
        match self {
            Self::Pieces(pieces, breaks_off) => (pieces.iter().map(text).collect(), Vec::new(), !breaks_off),
            Self::Pipe(pipe) => {
                let written = pipe.written.borrow();
                let pieces: Vec<_> = written.pieces.iter().map(|(at, piece)| (*at, text(piece))).collect();
                let all = pieces.iter().map(|(_, piece)| piece.as_str()).collect();
                (all, pieces, written.ended == Some(true))
            }
        }
    }
}

/// A body that is written while it is read.
#[derive(Clone)]
pub struct Pipe {
    executor: Executor,
    written: Rc<RefCell<Written>>,
    /// Whether nobody reads.
    is_deaf: bool,
}

#[derive(Default)]
struct Written {
    /// Each with the time it was written at.
    pieces: VecDeque<(u64, Bytes)>,
    /// Whether it ended whole.
    ended: Option<bool>,
}

impl Pipe {
    pub fn new(executor: &Executor, is_deaf: bool) -> Self {
        Self { executor: executor.clone(), written: Rc::default(), is_deaf }
    }

    pub fn push(&self, piece: Bytes) -> Result<(), Abandoned> {
        if self.is_deaf {
            return Err(Abandoned);
        }
        self.written.borrow_mut().pieces.push_back((self.executor.now(), piece));
        self.executor.happened();
        Ok(())
    }

    pub fn end(&self, is_whole: bool) {
        self.written.borrow_mut().ended = Some(is_whole);
        self.executor.happened();
    }

    /// Waits for its end.
    pub async fn ended(&self) {
        poll_fn(|_| if self.written.borrow().ended.is_some() { Poll::Ready(()) } else { Poll::Pending }).await;
    }

    async fn next(&self) -> Result<Option<Bytes>, CollectError> {
        poll_fn(|_| {
            let mut written = self.written.borrow_mut();
            match (written.pieces.pop_front(), written.ended) {
                (Some((_, piece)), _) => Poll::Ready(Ok(Some(piece))),
                (None, Some(true)) => Poll::Ready(Ok(None)),
                (None, Some(false)) => Poll::Ready(Err(CollectError::Truncated)),
                (None, None) => Poll::Pending,
            }
        })
        .await
    }
}
