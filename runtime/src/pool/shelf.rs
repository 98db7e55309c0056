//! Where what became of requests is put by whatever thread takes replies, and taken by the caller.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::PoolError;
use super::error::Kind;
use crate::SendError;
use crate::process::ExitStatus;

/// What became of a request.
pub(super) enum Outcome {
    Reply(Vec<u8>, Vec<OwnedFd>),
    /// The worker ended before it had answered.
    Lost {
        pid: u32,
        status: ExitStatus,
    },
    NoWorker(Arc<PoolError>),
    NotSent(Arc<SendError>),
    Closed,
    Terminated,
}

impl Outcome {
    /// The reply, or why none of the calls has a result.
    pub(super) fn into_reply(self) -> Result<(Vec<u8>, Vec<OwnedFd>), Kind> {
        Err(match self {
            Outcome::Reply(bytes, fds) => return Ok((bytes, fds)),
            Outcome::Lost { pid, status } => Kind::WorkerLost { pid, status },
            Outcome::NoWorker(error) => Kind::NoWorker(error),
            Outcome::NotSent(error) => Kind::NotSent(error),
            Outcome::Closed => Kind::Closed,
            Outcome::Terminated => Kind::Terminated,
        })
    }

    /// How much memory it holds.
    fn size(&self) -> usize {
        match self {
            Outcome::Reply(bytes, _) => bytes.len(),
            _ => 0,
        }
    }
}

/// Outcomes of one caller's requests, by their numbers, in the order in which they came.
pub(super) type Arrivals = VecDeque<(usize, Outcome)>;

/// Where outcomes are put, and the caller takes them.
#[derive(Default)]
pub(super) struct Shelf {
    state: Mutex<State>,
    enough: Condvar,
}

#[derive(Default)]
struct State {
    arrived: Arrivals,
    /// How much memory they hold.
    size: usize,
    /// How many threads wait: one, except for the result of a single call.
    waiting: usize,
    /// For how many outcomes they wait, all for the same.
    awaited: usize,
    /// All that ever come have been taken.
    over: bool,
}

/// As much memory is worth being woken for.
const WORTH: usize = 256 << 10;

impl Shelf {
    fn lock(&self) -> MutexGuard<'_, State> {
        // no call into anything that can panic is made under the lock
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn put(&self, number: usize, outcome: Outcome) {
        let mut state = self.lock();
        state.size += outcome.size();
        state.arrived.push_back((number, outcome));
        if state.waiting > 0 && state.has(state.awaited) {
            self.enough.notify_all();
        }
    }

    /// Waits until `count` have arrived, or fewer that hold much memory, or it is time; whether any are there, or the
    /// last have been taken.
    pub(super) fn wait(&self, count: usize, deadline: Option<Instant>) -> bool {
        let mut state = self.lock();
        state.waiting += 1;
        state.awaited = count;
        while !state.has(count) {
            state = match deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())) {
                None => self.enough.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(left) if left.is_zero() => break,
                Some(left) => self.enough.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0,
            };
        }
        state.waiting -= 1;
        state.over || !state.arrived.is_empty()
    }

    /// Whether `count` have arrived, or fewer that hold much memory, or the last have been taken.
    pub(super) fn has(&self, count: usize) -> bool {
        self.lock().has(count)
    }

    /// Whether any are there, or the last have been taken.
    pub(super) fn has_any(&self) -> bool {
        let state = self.lock();
        state.over || !state.arrived.is_empty()
    }

    /// Takes all that are there.
    pub(super) fn take(&self) -> Arrivals {
        let mut state = self.lock();
        state.size = 0;
        std::mem::take(&mut state.arrived)
    }

    /// Whether nobody takes anything any more.
    pub(super) fn is_over(&self) -> bool {
        self.lock().over
    }

    /// Takes all that are there, and tells those who still wait that no more will come.
    pub(super) fn take_last(&self) -> Arrivals {
        let mut state = self.lock();
        state.over = true;
        if state.waiting > 0 {
            self.enough.notify_all();
        }
        state.size = 0;
        std::mem::take(&mut state.arrived)
    }
}

impl State {
    fn has(&self, count: usize) -> bool {
        self.over || self.arrived.len() >= count || self.size >= WORTH
    }
}
