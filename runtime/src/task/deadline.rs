//! Until when a call waits: until the time that its caller has said, and no longer than to the soft time limit of the task's call that
//! the thread runs.

use std::time::{Duration, Instant};

use super::current::soft_deadline;
use super::soft_limit::SoftTimeLimitExceeded;

/// Until when the caller of an operation wants to wait. All that blocks asks here.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Deadline {
    /// It does not want to wait, and so no limit of the task can end it.
    Now,
    At(Instant),
    Never,
}

impl Deadline {
    pub(crate) fn after(timeout: Duration) -> Self {
        if timeout.is_zero() {
            return Self::Now;
        }
        // a time that cannot be told never comes
        Instant::now().checked_add(timeout).map_or(Self::Never, Self::At)
    }

    /// When to stop waiting.
    pub(crate) fn instant(self) -> Option<Instant> {
        self.instant_with(soft_deadline())
    }

    /// The same, with another soft limit than that of this thread.
    pub(crate) fn instant_with(self, soft: Option<Instant>) -> Option<Instant> {
        match (self, soft) {
            (Self::Now, _) => Some(Instant::now()),
            (Self::At(own), soft) => Some(soft.map_or(own, |soft| soft.min(own))),
            (Self::Never, soft) => soft,
        }
    }

    /// To be asked when the time is over: it is an error if that was the task's, and not the caller's.
    pub(crate) fn check(self) -> Result<(), SoftTimeLimitExceeded> {
        if self.is_after(soft_deadline()) { Err(SoftTimeLimitExceeded::new()) } else { Ok(()) }
    }

    /// Whether the soft limit comes before what the caller has said.
    pub(crate) fn is_after(self, soft: Option<Instant>) -> bool {
        soft.is_some_and(|soft| match self {
            Self::Now => false,
            Self::At(own) => soft < own,
            Self::Never => true,
        })
    }
}
