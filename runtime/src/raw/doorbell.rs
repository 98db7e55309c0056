//! How a worker and its pool wake each other, so that none sleeps while there is something for it.
//!
//! Either side says that it is about to sleep, and looks once more. The other one does what there is to be found, and looks then
//! whether somebody sleeps. So one of the two sees what the other one did. Who wakes takes back what the sleeper said before it does,
//! so that one sleep is ended once, and who does not sleep costs a look.
//!
//! | `asleep` | |
//! | --- | --- |
//! | 0 | the worker looks by itself |
//! | 1 | it sleeps until there is a request, or is about to |
//! | 2 | it sleeps until there is room for a reply, or is about to |
//!
//! | `replies` | |
//! | --- | --- |
//! | a number | the pool is to be rung for when there have been so many replies; so 0, the initial state, is at the first one |
//! | [`NEVER`] | it looks by itself, or has been rung for |

use crate::atomic::{AtomicU32, AtomicU64, Ordering::SeqCst};

/// In `replies`, when nobody is to be rung for.
pub(crate) const NEVER: u64 = u64::MAX;

/// Whether the worker sleeps. It is written by both sides.
#[repr(transparent)]
pub(crate) struct Sleeper(AtomicU32);

/// Whom of the pool's the worker is to ring for, and when. It is written by both sides.
#[repr(C)]
pub(crate) struct Wish {
    replies: AtomicU64,
    /// The bell. It is written before `replies`, and read after that was taken back.
    whom: AtomicU32,
}

impl Sleeper {
    /// It sleeps until there is a request.
    pub(crate) const FOR_A_REQUEST: u32 = 1;
    /// It sleeps until there is room for a reply.
    pub(crate) const FOR_ROOM: u32 = 2;

    /// Says that the caller, the worker, is about to sleep for want of something, while the [word](Self::word) says so; what it finds
    /// when it `looks` once more decides whether it does.
    pub(crate) fn lie_down<R>(&self, what: u32, looks: impl FnOnce() -> R) -> R {
        self.0.store(what, SeqCst);
        looks()
    }

    /// The worker goes on.
    pub(crate) fn get_up(&self) {
        self.0.store(0, SeqCst);
    }

    /// Whether the caller, who has published a request or made room, is to wake the worker.
    #[inline]
    pub(crate) fn is_to_be_woken(&self, what: u32) -> bool {
        self.0.load(SeqCst) == what && self.0.compare_exchange(what, 0, SeqCst, SeqCst).is_ok()
    }

    pub(crate) fn word(&self) -> &AtomicU32 {
        &self.0
    }
}

impl Wish {
    /// Says that a thread of the pool's, which has taken so many replies, is about to sleep until there are `more`; whether there are
    /// none, so that it may.
    pub(crate) fn want(&self, replied: &AtomicU64, taken: u64, more: u64, whom: u32) -> bool {
        self.whom.store(whom, SeqCst);
        self.replies.store(taken + more, SeqCst);
        replied.load(SeqCst) == taken
    }

    /// Takes that back.
    pub(crate) fn want_nothing(&self) {
        self.replies.store(NEVER, SeqCst);
    }

    /// Publishes a reply, which makes it so many; for whom the worker is to ring, if for anybody.
    #[inline]
    pub(crate) fn reply(&self, replied: &AtomicU64, number: u64) -> Option<u32> {
        replied.store(number, SeqCst);
        if number >= self.replies.load(SeqCst) { self.whom() } else { None }
    }

    /// For whom the worker is to ring, however many replies there are: it is about to sleep, or has done something else that the
    /// pool waits for.
    pub(crate) fn whom(&self) -> Option<u32> {
        let is_wanted = self.replies.load(SeqCst) != NEVER && self.replies.swap(NEVER, SeqCst) != NEVER;
        // who sleeps now may be another one than then, and is told nothing wrong
        is_wanted.then(|| self.whom.load(SeqCst))
    }
}
