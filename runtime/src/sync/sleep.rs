//! How long those who wait sleep, and how a wait ends that the soft time limit of a task's call is over for.

use std::time::{Duration, Instant};

use crate::task;

/// For how long anybody sleeps before it looks by itself, because whoever was to wake it may have been killed before that.
pub(super) const PATIENCE: Duration = Duration::from_millis(250);

/// How often somebody among those who wait looks for processes that have ended, in milliseconds: at each time that one has
/// slept that long, but not more often, however many wait.
pub(super) const EVERY: u32 = 200;

/// Until when to wait, which is never past the soft time limit of the task's call that this thread runs.
#[derive(Clone, Copy)]
pub(super) struct Deadline(task::Deadline);

impl Deadline {
    pub(super) const NEVER: Self = Self(task::Deadline::Never);

    pub(super) fn after(timeout: Duration) -> Self {
        Self(task::Deadline::after(timeout))
    }

    /// When the time comes.
    pub(super) fn instant(self) -> Option<Instant> {
        self.0.instant_with(task::unwinding_deadline())
    }

    /// For how long to sleep now; none if the time has come.
    pub(super) fn nap(self) -> Option<Duration> {
        let left = self.instant().map_or(PATIENCE, |deadline| deadline.saturating_duration_since(Instant::now()));
        (!left.is_zero()).then(|| left.min(PATIENCE))
    }

    /// Unwinds if it was for the soft limit that the time has come. To be called when all is as a timeout leaves it, and nothing is
    /// held that should not be marked as after a panic.
    pub(super) fn end(self) {
        if self.0.is_after(task::unwinding_deadline()) {
            task::unwind();
        }
    }
}
