//! A lock that the thread which holds it can take again.
//!
//! The mutex tells a thread that it holds it already; how often, is counted beside it, by the holder alone.
//!
//! # Safety
//! The count is the contents of an object that was made with it.
#![allow(unsafe_code)]

use std::alloc::Layout;
use std::fmt::{Debug, Formatter};
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread::panicking;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::error::{Accept, LockTimeoutError, OwnerDied, TryLockError};
use super::state::{self, Held};
use crate::memory::{MemoryError, Object, What};
use crate::shared;

/// A [`Lock`](crate::Lock) that the thread which holds it can take again: it is free when all of its guards are dropped, in whatever
/// order.
///
/// In all else it is as a `Lock`: it goes to other processes, outlives its holders, and tells the next one when one has died. A
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
    object: Arc<Object>,
}

impl RLock {
    /// A lock that nobody holds.
    ///
    /// # Errors
    /// If there is no memory for it.
    pub fn new() -> Result<Self, MemoryError> {
        Ok(Self { object: Arc::new(Object::create(Self::what(), |_| {})?) })
    }

    fn what() -> What {
        let layout = shared::Layout::new("carom::RLock", 1, 1).hash();
        What { layout, contents: Layout::new::<AtomicU32>(), count: 1 }
    }

    /// How often the holder has taken it.
    fn depth(&self) -> &AtomicU32 {
        // SAFETY: it is there as long as the object is, aligned, and all use it as an atomic.
        unsafe { self.object.contents().cast::<AtomicU32>().as_ref() }
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
        self.first(state::lock(self.object.head()))
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
        Ok(self.first(state::try_lock(self.object.head()).ok_or(TryLockError::WouldBlock)?)?)
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
        Ok(self.first(state::lock_timeout(self.object.head(), timeout).ok_or(LockTimeoutError::Timeout)?)?)
    }

    /// The process that holds it, or that held it when it ended, at this instant; none if it is free.
    pub fn owner(&self) -> Option<u32> {
        state::owner(self.object.head())
    }

    /// One more guard, if this thread has one.
    fn again(&self) -> Option<RLockGuard<'_>> {
        if !state::is_held_here(self.object.head()) {
            return None;
        }
        self.depth().fetch_add(1, Relaxed);
        Some(RLockGuard::new(self))
    }

    fn first<'a>(&'a self, held: Held<'a>) -> Result<RLockGuard<'a>, OwnerDied<RLockGuard<'a>>> {
        let damage = held.damage();
        // the last guard releases it, which need not be this one
        std::mem::forget(held);
        // also where one who died had taken it more often
        self.depth().store(1, Relaxed);
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

/// Whether two are handles of the same lock.
impl PartialEq for RLock {
    fn eq(&self, other: &Self) -> bool {
        self.object.is(&other.object)
    }
}

impl Eq for RLock {}

impl Serialize for RLock {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.object.serialize("an `RLock`", serializer)
    }
}

impl<'de> Deserialize<'de> for RLock {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let object = Object::deserialize(|_| Ok(Self::what()), deserializer)?;
        Ok(Self { object: Arc::new(object) })
    }
}

/// An [`RLock`] that this thread holds, until this and all its other guards are dropped.
#[must_use = "the lock is released when this is dropped"]
pub struct RLockGuard<'a> {
    lock: &'a RLock,
    repaired: bool,
    /// Whether the thread was panicking before.
    panicking: bool,
    /// A mutex is unlocked by the thread that locked it.
    not_send: PhantomData<*const ()>,
}

impl<'a> RLockGuard<'a> {
    fn new(lock: &'a RLock) -> Self {
        Self { lock, repaired: false, panicking: panicking(), not_send: PhantomData }
    }
}

impl Drop for RLockGuard<'_> {
    fn drop(&mut self) {
        let head = self.lock.object.head();
        if !state::is_held_here(head) {
            // a copy in a process that was forked from the one that holds the lock
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
impl Accept for RLockGuard<'_> {
    fn accept(&mut self) {
        self.repaired = true;
    }
}

super::released_by_question_mark! { [] RLockGuard<'_> }
