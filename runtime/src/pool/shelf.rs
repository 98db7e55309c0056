//! Where what became of requests is put by whatever thread takes replies, and taken by the caller.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::buffers::Buffers;
use super::error::{Kind, TaskError};
use super::job::Outcome;
use super::terms::Terms;
use crate::task::TaskInfo;

/// Outcomes of one caller's requests, by their numbers, in the order in which they came.
pub(super) type Arrivals = VecDeque<(usize, Outcome)>;

/// Where outcomes are put, and the caller takes them.
pub(super) struct Shelf {
    pub(super) task: &'static TaskInfo,
    /// The number of what the caller has submitted, in this process.
    pub(super) job: u64,
    pub(super) terms: Terms,
    pub(super) buffers: Arc<Buffers>,
    state: Mutex<State>,
    enough: Condvar,
    /// How often calls have been begun again.
    retries: AtomicU32,
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
    pub(super) fn new(task: &'static TaskInfo, terms: Terms, buffers: &Arc<Buffers>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let job = NEXT.fetch_add(1, Ordering::Relaxed);
        let (state, enough, retries) = (Mutex::default(), Condvar::new(), AtomicU32::new(0));
        Self { task, job, terms, buffers: Arc::clone(buffers), state, enough, retries }
    }

    /// Why a call has no result.
    pub(super) fn error(&self, kind: Kind) -> TaskError {
        TaskError::new(self.task, self.job, kind)
    }

    /// A call is begun again.
    pub(super) fn repeated(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    /// How often calls have been begun again.
    pub(super) fn retries(&self) -> u32 {
        self.retries.load(Ordering::Relaxed)
    }

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
