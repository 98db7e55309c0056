//! A flag that can be waited for.
//!
//! It is one word: the lowest bit says whether it is set, the others how often it was. A waiter sleeps on the word, and goes on
//! when the bit is set or the count is another one; so it does not miss a flag that is cleared at once. Nothing is noted of
//! waiters, so that one who is killed leaves nothing.

use crate::atomic::{AtomicU32, Ordering::SeqCst};

/// In the word: the flag is set.
const SET: u32 = 1;
/// What is added to the word each time the flag is set.
const ONCE: u32 = 2;

#[repr(transparent)]
pub(crate) struct Flag(AtomicU32);

/// What a waiter saw when it came.
#[derive(Clone, Copy)]
pub(crate) struct Seen(u32);

impl Flag {
    /// Sets it; all who sleep on the [word](Self::word) are to be woken, also if it was set already: who did that may have been killed
    /// before it woke anybody.
    pub(crate) fn set(&self) {
        let set = |word: u32| (word & SET == 0).then(|| word.wrapping_add(ONCE) | SET);
        let _ = self.0.fetch_update(SeqCst, SeqCst, set);
    }

    pub(crate) fn clear(&self) {
        self.0.fetch_and(!SET, SeqCst);
    }

    pub(crate) fn is_set(&self) -> bool {
        self.0.load(SeqCst) & SET != 0
    }

    pub(crate) fn come(&self) -> Seen {
        Seen(self.0.load(SeqCst))
    }

    /// Nothing if the flag was set since, or is; otherwise what the word is, while which the waiter may sleep.
    pub(crate) fn pending(&self, seen: Seen) -> Option<u32> {
        let now = self.0.load(SeqCst);
        let unset = seen.0 & SET == 0 && now & SET == 0;
        (unset && now & !SET == seen.0 & !SET).then_some(now)
    }

    pub(crate) fn word(&self) -> &AtomicU32 {
        &self.0
    }
}
