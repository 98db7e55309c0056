//! Whose turn it is to look for processes that have ended.

use crate::atomic::{AtomicU32, Ordering::Relaxed};

/// When somebody looked last. Who looks and is killed leaves it to the next turn.
#[repr(transparent)]
pub(crate) struct Turn(AtomicU32);

impl Turn {
    /// Whether the last turn is that long ago, which makes it the caller's; `now` and `every` are milliseconds.
    pub(crate) fn is_due(&self, now: u32, every: u32) -> bool {
        let last = self.0.load(Relaxed);
        now.wrapping_sub(last) >= every && self.0.compare_exchange(last, now, Relaxed, Relaxed).is_ok()
    }
}
