//! A lock that the thread which holds it can take again.
//!
//! The mutex tells a thread that it holds it already; how often, is counted beside it, by the holder alone.

use std::fmt::{Debug, Formatter};
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread::panicking;
use std::time::Duration;

use super::condition::{Key, Relock};
use super::error::{Accept, LockTimeoutError, OwnerDied, TryLockError};
use super::state::{self, Held};
use super::words::{Words, handle};
use crate::memory::MemoryError;
use crate::sys::this_process;

/// A [`Lock`](crate::Lock) that the thread which holds it can take again: it is free when all of its guards are dropped, in whatever
/// order.
///
/// In all else it is as a `Lock`, at soft time limits too: it goes to other processes, outlives its holders, and tells the next one when one has died. A
/// process that dies while it has taken it several times is told of once.
///
/// ```
/// use carom::RLock;
///
/// let lock = RLock::new()?;
/// let outer = lock.lock()?;
/// let inner = lock.lock()?;
/// drop(outer);
/// assert_eq!(lock.owner(), Some(std::process::id()));
/// drop(inner);
/// assert_eq!(lock.owner(), None);
/// # Ok::<(), carom::Error>(())
/// ```
#[derive(Clone)]
pub struct RLock {
    /// How often the holder has taken it.
    words: Words<AtomicU32>,
}

impl RLock {
    /// A lock that nobody holds.
    ///
    /// # Errors
    /// If there is no memory for it.
    pub fn new() -> Result<Self, MemoryError> {
        Ok(Self { words: Words::create("carom::RLock", 0)? })
    }

    fn depth(&self) -> &AtomicU32 {
        self.words.head()
    }

    /// Waits until no other thread holds it, and takes it.
    ///
    /// # Errors
    /// [`OwnerDied`], which holds the lock, if whoever held it before ended or panicked.
    ///
    /// # Panics
    /// If this thread holds a thousand locks.
    #[doc(alias = "acquire")]
    #[track_caller]
    pub fn lock(&self) -> Result<RLockGuard<'_>, OwnerDied<RLockGuard<'_>>> {
        if let Some(guard) = self.again() {
            return Ok(guard);
        }
        self.first(state::lock(self.words.lock()), 1)
    }

    /// Takes it if no other thread holds it.
    ///
    /// # Errors
    /// [`TryLockError::WouldBlock`] if one does; [`TryLockError::OwnerDied`] as for [`lock`](Self::lock).
    #[track_caller]
    pub fn try_lock(&self) -> Result<RLockGuard<'_>, TryLockError<RLockGuard<'_>>> {
        if let Some(guard) = self.again() {
            return Ok(guard);
        }
        let held = state::try_lock(self.words.lock()).ok_or(TryLockError::WouldBlock)?;
        Ok(self.first(held, 1)?)
    }

    /// Waits until no other thread holds it, but no longer than `timeout`, and takes it.
    ///
    /// # Errors
    /// [`LockTimeoutError::Timeout`] if one did all the time; [`LockTimeoutError::OwnerDied`] as for [`lock`](Self::lock).
    #[track_caller]
    pub fn lock_timeout(&self, timeout: Duration) -> Result<RLockGuard<'_>, LockTimeoutError<RLockGuard<'_>>> {
        if let Some(guard) = self.again() {
            return Ok(guard);
        }
        let held = state::lock_timeout(self.words.lock(), timeout).ok_or(LockTimeoutError::Timeout)?;
        Ok(self.first(held, 1)?)
    }

    /// The process that holds it, or that held it when it ended, at this instant; none if it is free.
    pub fn owner(&self) -> Option<u32> {
        state::owner(self.words.lock())
    }

    /// One more guard, if this thread has one.
    fn again(&self) -> Option<RLockGuard<'_>> {
        if !state::is_held_here(self.words.lock()) {
            return None;
        }
        self.depth().fetch_add(1, Relaxed);
        Some(RLockGuard::new(self))
    }

    fn first<'a>(&'a self, held: Held<'a>, depth: u32) -> Result<RLockGuard<'a>, OwnerDied<RLockGuard<'a>>> {
        let damage = held.damage();
        // the last guard releases it, which need not be this one
        std::mem::forget(held);
        // also where one who died had taken it more often
        self.depth().store(depth, Relaxed);
        let guard = RLockGuard::new(self);
        match damage {
            None => Ok(guard),
            Some(damage) => Err(OwnerDied { guard, damage }),
        }
    }
}

impl Debug for RLock {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RLock").field("owner", &self.owner()).finish()
    }
}

handle!(RLock, "carom::RLock", "an `RLock`");

/// An [`RLock`] that this thread holds, until this and all its other guards are dropped.
#[must_use = "the lock is released when this is dropped"]
pub struct RLockGuard<'a> {
    lock: &'a RLock,
    repaired: bool,
    /// Whether the thread was panicking before.
    panicking: bool,
    /// The process that took it.
    taker: u32,
    /// A mutex is unlocked by the thread that locked it.
    not_send: PhantomData<*const ()>,
}

impl<'a> RLockGuard<'a> {
    fn new(lock: &'a RLock) -> Self {
        Self { lock, repaired: false, panicking: panicking(), taker: this_process::pid(), not_send: PhantomData }
    }
}

impl RLockGuard<'_> {
    /// Whether it is not a copy in a process that was forked from the one that took it.
    fn is_ours(&self) -> bool {
        self.taker == this_process::pid()
    }
}

impl Drop for RLockGuard<'_> {
    fn drop(&mut self) {
        let head = self.lock.words.lock();
        if !self.is_ours() {
            return;
        }
        if panicking() && !self.panicking {
            state::note_panic(head);
        } else if self.repaired {
            state::note_repair(head);
        }
        if self.lock.depth().fetch_sub(1, Relaxed) == 1 {
            state::release(head);
        }
    }
}

impl Debug for RLockGuard<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str("RLockGuard")
    }
}

#[diagnostic::do_not_recommend]
impl<'a> Relock for RLockGuard<'a> {
    /// How often it was taken, too.
    type Lock = (&'a RLock, u32);

    fn unlock(self, _: Key) -> Self::Lock {
        let lock = self.lock;
        let depth = if self.is_ours() { lock.depth().swap(1, Relaxed) } else { 1 };
        drop(self);
        (lock, depth)
    }

    fn is_left((lock, _): &Self::Lock, _: Key) -> bool {
        state::is_left(lock.words.lock())
    }

    fn relock((lock, depth): Self::Lock, _: Key) -> Result<Self, OwnerDied<Self>> {
        lock.first(state::lock_regardless(lock.words.lock()), depth)
    }
}

#[diagnostic::do_not_recommend]
impl Accept for RLockGuard<'_> {
    fn accept(&mut self) {
        self.repaired = true;
    }
}

super::released_by_question_mark! { [] RLockGuard<'_> }
