//! A flag that processes wait for.
//!
//! It is one word: the lowest bit says whether it is set, the others how often it was. A waiter sleeps on the word, and
//! returns when the bit is set or the count is another one; so it does not miss an event that is cleared at once. Nothing is
//! noted of waiters, so that one who is killed leaves nothing. One who is killed between setting the flag and waking the others
//! leaves them asleep, so they look by themselves from time to time.
//!
//! # Safety
//! The word is the contents of an object that was made with it.
#![allow(unsafe_code)]

use std::alloc::Layout;
use std::fmt::{Debug, Formatter};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::{Duration, Instant};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::memory::{MemoryError, Object, What};
use crate::shared;
use crate::sys::futex;

/// A flag that one process sets and others wait for.
///
/// It goes to other processes as a [`Lock`](crate::Lock) does. Processes that are killed, those who wait and those who set it, leave
/// nothing behind: the others go on, at the latest a quarter of a second later.
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
    object: Arc<Object>,
}

/// In the word: the flag is set.
const SET: u32 = 1;
/// What is added to the word each time the flag is set.
const ONCE: u32 = 2;

/// For how long a waiter sleeps before it looks again.
const PATIENCE: Duration = Duration::from_millis(250);

impl Event {
    /// A flag that is not set.
    ///
    /// # Errors
    /// If there is no memory for it.
    pub fn new() -> Result<Self, MemoryError> {
        // zero is a flag that was never set
        Ok(Self { object: Arc::new(Object::create(Self::what(), |_| {})?) })
    }

    fn what() -> What {
        let layout = shared::Layout::new("carom::Event", 1, 1).hash();
        What { layout, contents: Layout::new::<AtomicU32>(), count: 1 }
    }

    fn word(&self) -> &AtomicU32 {
        // SAFETY: it is there as long as the object is, aligned, and all use it as an atomic.
        unsafe { self.object.contents().cast::<AtomicU32>().as_ref() }
    }

    /// Sets the flag, and wakes all who wait for it. Does not block.
    pub fn set(&self) {
        let set = |word: u32| (word & SET == 0).then(|| word.wrapping_add(ONCE) | SET);
        // woken also where it was set already: who did that may have been killed before it woke anybody
        let _ = self.word().fetch_update(SeqCst, SeqCst, set);
        futex::wake_all(self.word());
    }

    /// Takes the flag back: who waits from now on waits until it is set again. Does not block.
    pub fn clear(&self) {
        self.word().fetch_and(!SET, SeqCst);
    }

    /// Whether the flag is set.
    pub fn is_set(&self) -> bool {
        self.word().load(SeqCst) & SET != 0
    }

    /// Waits until the flag is set, or was set meanwhile.
    pub fn wait(&self) {
        self.wait_until(None);
    }

    /// The same, but for no longer than `timeout`; whether the flag was set. Time is told by the clock that is never set.
    pub fn wait_timeout(&self, timeout: Duration) -> bool {
        // a time that cannot be told never comes
        self.wait_until(Instant::now().checked_add(timeout))
    }

    fn wait_until(&self, deadline: Option<Instant>) -> bool {
        let before = self.word().load(SeqCst);
        let mut now = before;
        while now & SET == 0 && now & !SET == before & !SET {
            let left = deadline.map_or(PATIENCE, |deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return false;
            }
            futex::wait(self.word(), now, left.min(PATIENCE));
            now = self.word().load(SeqCst);
        }
        true
    }
}

impl Debug for Event {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Event").field("is_set", &self.is_set()).finish()
    }
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.object.serialize("an `Event`", serializer)
    }
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let object = Object::deserialize(|_| Ok(Self::what()), deserializer)?;
        Ok(Self { object: Arc::new(object) })
    }
}

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
            event.word().fetch_or(ONCE | SET, SeqCst);
            assert!(waiter.join().expect("no panic"));
        });
        Ok(())
    }
}
