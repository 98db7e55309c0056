//! Time in which the others could have done something.

use std::time::{Duration, Instant};

/// A longer time between two looks is one in which this process, and maybe all of them, found no processor.
const MOST: Duration = Duration::from_millis(20);

/// Counts the time between looks, but no more than that for each.
pub(crate) struct Stopwatch {
    last: Instant,
    counted: Duration,
}

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self { last: Instant::now(), counted: Duration::ZERO }
    }

    /// Looks.
    pub(crate) fn elapsed(&mut self) -> Duration {
        let now = Instant::now();
        self.counted += (now - self.last).min(MOST);
        self.last = now;
        self.counted
    }
}
