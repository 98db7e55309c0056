//! The result of one call that is made elsewhere.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::TaskError;
use super::engine::Engine;
use super::error::Kind;
use super::job::Outcome;
use super::request::{Calls, results};
use super::shelf::Shelf;
use crate::__private_0_1::Travels;
use crate::task::{self, Deadline};

/// The result of [`Pool::apply_async`](super::Pool::apply_async), now or later.
///
/// It always comes: as what the task returns, or as an error that says why there is nothing. Dropping the handle does
/// not stop the task.
#[doc(alias = "ApplyResult")]
#[must_use = "the task's result, and its error if it has one, come by this handle"]
pub struct AsyncResult<O> {
    codec: Travels<O>,
    engine: Arc<Engine>,
    shelf: Arc<Shelf>,
    /// None once the result has been taken.
    calls: Mutex<Option<Calls>>,
}

impl<O> AsyncResult<O> {
    pub(super) fn new(codec: Travels<O>, engine: &Arc<Engine>, shelf: Arc<Shelf>, calls: Calls) -> Self {
        Self { codec, engine: Arc::clone(engine), shelf, calls: Mutex::new(Some(calls)) }
    }

    /// Waits for the result and takes it.
    ///
    /// # Errors
    /// If the call has no result; see [`TaskError`]. In a task of another pool, if the soft time limit of that passes before.
    pub fn get(self) -> Result<O, TaskError> {
        self.take(Deadline::Never)
    }

    /// Waits for the result, and at most for `timeout` on the monotonic clock, and takes it. It can be taken once.
    ///
    /// # Errors
    /// As [`get`](Self::get); and one that [is a timeout](TaskError::is_timeout), after which it can be asked for again.
    pub fn get_timeout(&self, timeout: Duration) -> Result<O, TaskError> {
        self.take(Deadline::after(timeout))
    }

    /// Waits until the result is there, and at most for `timeout`; whether it is. Unwinds at the
    /// [soft time limit](mod@crate::task#soft-time-limits) of the task that waits, if that comes before.
    pub fn wait(&self, timeout: Duration) -> bool {
        let deadline = Deadline::after(timeout);
        let limit = task::unwinding_deadline();
        let is_there = self.is_taken() || self.engine.wait(&self.shelf, 1, deadline.instant_with(limit));
        if !is_there && deadline.is_after(limit) {
            task::unwind();
        }
        is_there
    }

    /// Whether the result is there, or has been taken. Does not block.
    pub fn ready(&self) -> bool {
        self.wait(Duration::ZERO)
    }

    /// The number of the call among all jobs of this process, as in [`TaskError::job`].
    pub fn job(&self) -> u64 {
        self.shelf.job
    }

    /// How often the call has been begun again so far, because its worker was lost; see
    /// [`JobBuilder::retries`](super::JobBuilder::retries).
    pub fn retries(&self) -> u32 {
        self.shelf.retries()
    }

    fn is_taken(&self) -> bool {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    fn take(&self, deadline: Deadline) -> Result<O, TaskError> {
        let failed = |kind| Err(self.shelf.error(kind));
        if self.is_taken() {
            return failed(Kind::Taken);
        }
        if !self.engine.wait(&self.shelf, 1, deadline.instant()) {
            return failed(deadline.check().map_or_else(Kind::WaitersSoftTimeLimit, |()| Kind::NotReady));
        }
        let (calls, outcome) = {
            let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
            (calls.take(), self.shelf.take_last().pop_front())
        };
        let (Some(calls), Some((_, outcome))) = (calls, outcome) else { return failed(Kind::Taken) };
        only(&self.shelf, self.codec, calls, outcome)
    }
}

/// The result of the one call of a request.
fn only<O>(shelf: &Shelf, codec: Travels<O>, calls: Calls, outcome: Outcome) -> Result<O, TaskError> {
    let mut result = None;
    results(shelf, codec, calls, outcome, |one| result = Some(one));
    result.unwrap_or_else(|| Err(shelf.error(Kind::Refused("it was not asked to".to_owned()))))
}

impl<O> fmt::Debug for AsyncResult<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncResult").field("task", &self.shelf.task.name()).field("ready", &self.ready()).finish()
    }
}
