//! Time in which the others could have done something.

use std::time::{Duration, Instant};

/// A longer time between two looks is one in which this process, and maybe all of them, found no processor.
const MOST: Duration = Duration::from_millis(20);

/// Counts the time between looks, but no more than that for each.
pub struct Stopwatch {
    last: Instant,
    counted: Duration,
}

impl Stopwatch {
    /// From now on.
    pub fn start() -> Self {
        Self { last: Instant::now(), counted: Duration::ZERO }
    }

    /// Looks, which is to be done often.
    pub fn elapsed(&mut self) -> Duration {
        let now = Instant::now();
        self.counted += (now - self.last).min(MOST);
        self.last = now;
        self.counted
    }
}
