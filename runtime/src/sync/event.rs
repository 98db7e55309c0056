//! A flag that processes wait for; what it is, is in `raw::flag`.

use std::fmt::{Debug, Formatter};
use std::time::Duration;

use super::sleep::Deadline;
use super::words::{Words, handle};
use crate::memory::MemoryError;
use crate::raw::flag::Flag;
use crate::sys::futex;

/// A flag that one process sets and others wait for.
///
/// It goes to other processes as a [`Lock`](crate::Lock) does. Processes that are killed, those who wait and those who set it, leave
/// nothing behind: the others go on, at the latest a quarter of a second later.
///
/// In a task of a pool, who waits for it unwinds at the task's [soft time limit](mod@crate::task#soft-time-limits).
///
/// ```standalone_crate
/// use carom::{Event, Process};
///
/// #[carom::task]
/// fn start_late(start: Event) {
///     start.wait();
///     println!("started");
/// }
///
/// #[carom::main]
/// fn main() -> carom::Result<()> {
///     let start = Event::new()?;
///     let process = Process::spawn(start_late, start.clone())?;
///     start.set();
///     process.join()?.exit_ok()?;
///     Ok(())
/// }
/// ```
#[derive(Clone)]
pub struct Event {
    words: Words<Flag>,
}

impl Event {
    /// A flag that is not set.
    ///
    /// # Errors
    /// If there is no memory for it.
    pub fn new() -> Result<Self, MemoryError> {
        Ok(Self { words: Words::create("carom::Event", 0)? })
    }

    fn flag(&self) -> &Flag {
        self.words.head()
    }

    /// Sets the flag, and wakes all who wait for it. Does not block.
    pub fn set(&self) {
        self.flag().set();
        futex::wake_all(self.flag().word());
    }

    /// Takes the flag back: who waits from now on waits until it is set again. Does not block.
    pub fn clear(&self) {
        self.flag().clear();
    }

    /// Whether the flag is set.
    pub fn is_set(&self) -> bool {
        self.flag().is_set()
    }

    /// Waits until the flag is set, or was set meanwhile.
    pub fn wait(&self) {
        self.wait_until(Deadline::NEVER);
    }

    /// The same, but for no longer than `timeout`; whether the flag was set. Time is told by the clock that is never set.
    #[must_use = "it may be that the time was over"]
    pub fn wait_timeout(&self, timeout: Duration) -> bool {
        self.wait_until(Deadline::after(timeout))
    }

    fn wait_until(&self, deadline: Deadline) -> bool {
        let seen = self.flag().come();
        while let Some(word) = self.flag().pending(seen) {
            let Some(nap) = deadline.nap() else {
                deadline.end();
                return false;
            };
            futex::wait(self.flag().word(), word, nap);
        }
        true
    }
}

impl Debug for Event {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Event").field("is_set", &self.is_set()).finish()
    }
}

handle!(Event, "carom::Event", "an `Event`");

#[cfg(test)]
mod tests {
    use super::*;

    /// As if whoever set it had been killed before it woke anybody.
    #[test]
    fn a_waiter_that_nobody_wakes_looks_by_itself() -> Result<(), MemoryError> {
        let event = Event::new()?;
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| event.wait_timeout(Duration::from_secs(60)));
            // before it sleeps, or after: either way nobody wakes it
            std::thread::yield_now();
            event.flag().set();
            assert!(waiter.join().expect("no panic"));
        });
        Ok(())
    }
}
