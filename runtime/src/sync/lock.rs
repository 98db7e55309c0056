//! A lock without contents of its own.

use std::alloc::Layout;
use std::fmt::{Debug, Formatter};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::condition::{Key, Relock};
use super::error::{Accept, LockTimeoutError, OwnerDied, TryLockError};
use super::state::{self, Held};
use crate::memory::{Head, MemoryError, Object, What};
use crate::shared;

/// A lock that processes share: one of their threads holds it at a time.
///
/// It goes to other processes as an argument of a process or of a task in a pool, as (a part of) what a task returns, and
/// in a message of a [`Connection`](crate::Connection); there and here, `clone` gives another handle of the same lock.
/// It exists as long as any process has a handle, and lies in memory that has no name and is gone with the last one.
///
/// A lock outlives its holders: when the thread that holds it ends, be it because its process was killed, the next one
/// gets the lock at once, as an [`OwnerDied`] that tells of it. So does a panic, because either leaves what the lock
/// protects as it happens to be. A waiter that is killed harms nobody: the others get the lock, at the latest a tenth of a second
/// after it is free. It is glibc's robust mutex; a [`Value`](crate::Value) or an [`Array`](crate::Array)
/// has one for its contents.
///
/// In a task of a pool, who waits for it unwinds at the task's [soft time limit](mod@crate::task#soft-time-limits).
///
/// What does not work: a thread that is not the main one, and executes another program while it holds a lock, leaves it
/// locked for good (the kernel renumbers the thread first). A process that was made by a plain `fork` can use the locks that it
/// inherits, but not send them on, and what its parent gives up meanwhile it must not use. A guard that is leaked
/// (`Box::leak`) is worth nothing any more when its thread has ended.
///
/// ```standalone_crate
/// use carom::{Lock, Process};
///
/// #[carom::task]
/// fn die(lock: Lock) {
///     let _guard = lock.lock().expect("nobody died yet");
///     std::process::abort();
/// }
///
/// #[carom::main]
/// fn main() -> carom::Result<()> {
///     let lock = Lock::new()?;
///     let process = Process::spawn(die, lock.clone())?;
///     let pid = process.pid();
///     process.join()?;
///     let died = lock.lock().expect_err("its owner died");
///     assert_eq!(died.pid(), Some(pid));
///     drop(died.into_guard()); // what it protects is in order again
///     drop(lock.lock()?);
///     Ok(())
/// }
/// ```
#[derive(Clone)]
pub struct Lock {
    pub(crate) object: Arc<Object>,
}

impl Lock {
    /// A lock that nobody holds.
    ///
    /// # Errors
    /// If there is no memory for it.
    pub fn new() -> Result<Self, MemoryError> {
        let layout = shared::Layout::new("carom::Lock", 0, 1).hash();
        let what = What { layout, contents: Layout::new::<()>(), count: 0 };
        Ok(Self { object: Arc::new(Object::create(what, |_| {})?) })
    }

    /// Waits until nobody else holds it, and takes it.
    ///
    /// # Errors
    /// [`OwnerDied`], which holds the lock, if whoever held it before ended or panicked.
    ///
    /// # Panics
    /// If this very thread holds it, which would wait for ever, or a thousand others.
    #[doc(alias = "acquire")]
    #[inline]
    #[track_caller]
    pub fn lock(&self) -> Result<LockGuard<'_>, OwnerDied<LockGuard<'_>>> {
        LockGuard::of(state::lock(self.object.head()))
    }

    /// Takes it if nobody holds it.
    ///
    /// # Errors
    /// [`TryLockError::WouldBlock`] if anybody holds it, this thread too; [`TryLockError::OwnerDied`] as for [`lock`](Self::lock).
    pub fn try_lock(&self) -> Result<LockGuard<'_>, TryLockError<LockGuard<'_>>> {
        let held = state::try_lock(self.object.head()).ok_or(TryLockError::WouldBlock)?;
        Ok(LockGuard::of(held)?)
    }

    /// Waits until nobody else holds it, but for no longer than `timeout`, and takes it. Time is told by the clock that is
    /// never set.
    ///
    /// # Errors
    /// [`LockTimeoutError::Timeout`] if it was held all the time; [`LockTimeoutError::OwnerDied`] as for [`lock`](Self::lock).
    ///
    /// # Panics
    /// If this very thread holds it.
    #[track_caller]
    pub fn lock_timeout(&self, timeout: Duration) -> Result<LockGuard<'_>, LockTimeoutError<LockGuard<'_>>> {
        let held = state::lock_timeout(self.object.head(), timeout).ok_or(LockTimeoutError::Timeout)?;
        Ok(LockGuard::of(held)?)
    }

    /// The process that holds it, or that held it when it ended, at this instant; none if it is free.
    pub fn owner(&self) -> Option<u32> {
        state::owner(self.object.head())
    }
}

impl Debug for Lock {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lock").field("owner", &self.owner()).finish()
    }
}

/// Whether two are handles of the same lock.
impl PartialEq for Lock {
    fn eq(&self, other: &Self) -> bool {
        self.object.is(&other.object)
    }
}

impl Eq for Lock {}

impl Serialize for Lock {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.object.serialize("a `Lock`", serializer)
    }
}

impl<'de> Deserialize<'de> for Lock {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // of almost any object, because the lock of a value is one, too
        Ok(Self { object: Arc::new(Object::deserialize_any(deserializer)?) })
    }
}

/// A [`Lock`] that this thread holds, until this is dropped.
#[must_use = "the lock is released when this is dropped"]
pub struct LockGuard<'a>(Held<'a>);

impl<'a> LockGuard<'a> {
    /// Whether it is this lock that is held.
    pub(crate) fn is_of(&self, lock: &Lock) -> bool {
        self.0.is_of(lock.object.head())
    }

    #[inline]
    fn of(held: Held<'a>) -> Result<Self, OwnerDied<Self>> {
        match held.damage() {
            None => Ok(Self(held)),
            Some(damage) => Err(OwnerDied { guard: Self(held), damage }),
        }
    }
}

impl Debug for LockGuard<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str("LockGuard")
    }
}

#[diagnostic::do_not_recommend]
impl<'a> Relock for LockGuard<'a> {
    type Lock = &'a Head;

    fn unlock(self, _: Key) -> &'a Head {
        self.0.release()
    }

    fn is_left(lock: &&'a Head, _: Key) -> bool {
        state::is_left(lock)
    }

    fn relock(lock: &'a Head, _: Key) -> Result<Self, OwnerDied<Self>> {
        Self::of(state::lock_regardless(lock))
    }
}

#[diagnostic::do_not_recommend]
impl Accept for LockGuard<'_> {
    fn accept(&mut self) {
        self.0.repaired();
    }
}

super::released_by_question_mark! { [] LockGuard<'_> }
