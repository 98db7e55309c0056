//! How long those who wait sleep.

use std::time::{Duration, Instant};

/// For how long anybody sleeps before it looks by itself, because whoever was to wake it may have been killed before that.
pub(super) const PATIENCE: Duration = Duration::from_millis(250);

/// How often somebody among those who wait looks for processes that have ended, in milliseconds: at each time that one has
/// slept that long, but not more often, however many wait.
pub(super) const EVERY: u32 = 200;

/// Until when to wait.
#[derive(Clone, Copy)]
pub(super) struct Deadline(Option<Instant>);

impl Deadline {
    pub(super) const NEVER: Self = Self(None);

    pub(super) fn after(timeout: Duration) -> Self {
        // a time that cannot be told never comes
        Self(Instant::now().checked_add(timeout))
    }

    /// For how long to sleep now; none if the time has come.
    pub(super) fn nap(self) -> Option<Duration> {
        let left = self.0.map_or(PATIENCE, |deadline| deadline.saturating_duration_since(Instant::now()));
        (!left.is_zero()).then(|| left.min(PATIENCE))
    }
}
