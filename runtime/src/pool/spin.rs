//! To look for a while before one sleeps: to sleep and be woken takes longer than most of what is waited for, if it is there soon.

use std::time::{Duration, Instant};

/// How one waiter has fared lately.
#[derive(Clone, Copy)]
pub(super) struct Spin {
    /// There is another processor, on which what is waited for can happen.
    can: bool,
    /// The last time, it would have been worth it, or was.
    is_worth: bool,
}

/// For how long.
const TIME: Duration = Duration::from_micros(30);
/// How often one looks between two looks at the clock.
const LOOKS: u32 = 32;

impl Spin {
    /// One of so many who might.
    pub(super) fn new(count: usize) -> Self {
        let can = std::thread::available_parallelism().is_ok_and(|cpus| cpus.get() > count);
        Self { can, is_worth: can }
    }

    /// Looks for a while whether something holds, if that has been worth it lately.
    pub(super) fn until(&mut self, holds: impl Fn() -> bool) -> bool {
        if !self.is_worth {
            return false;
        }
        let start = Instant::now();
        while start.elapsed() < TIME {
            for _ in 0..LOOKS {
                if holds() {
                    return true;
                }
                std::hint::spin_loop();
            }
        }
        // until a sleep turns out to be a short one
        self.is_worth = false;
        false
    }

    pub(super) fn is_worth(&self) -> bool {
        self.is_worth
    }

    /// When one goes to sleep, if that is of interest.
    pub(super) fn nap(&self) -> Option<Instant> {
        self.can.then(Instant::now)
    }

    /// Takes note of how long one has slept.
    pub(super) fn woken(&mut self, since: Option<Instant>) {
        self.is_worth = since.is_some_and(|since| since.elapsed() < 2 * TIME);
    }
}
