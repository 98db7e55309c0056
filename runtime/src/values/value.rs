//! One value with a lock.
//!
//! # Safety
//! Contents are written and read as the type that the layout hash of the object stands for.
#![allow(unsafe_code)]

use std::fmt::{Debug, Formatter};
use std::ptr::NonNull;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::locked::{Guard, Locked};
use crate::memory::MemoryError;
use crate::shared::{Shared, Zeroable};
use crate::sync::{Lock, LockGuard, LockTimeoutError, OwnerDied, TryLockError};

/// A value in shared memory, with a lock: whoever holds the lock reads and writes it in place.
///
/// Its type is a number, `bool`, `char`, an array of such, a [`ShString`](crate::ShString), or a struct or enum under
/// [`#[shared]`](macro@crate::shared).
///
/// It goes to other processes as an argument of a process or of a task in a pool, as (a part of) what a task returns, and
/// in a message of a [`Connection`](crate::Connection); there and here, `clone` gives another handle of the same value.
/// It exists as long as any process has a handle, and lies in memory that has no name and is gone with the last one.
/// Many small values share a piece of memory and one descriptor. A `static` is of one process: pass the handle.
///
/// If a process dies while it holds the lock, the next one is told at once, by [`OwnerDied`]. And who holds the lock while it waits
/// for another process (`join`, a call of a pool, `recv`) that needs the lock waits for ever.
///
/// In a task of a pool, who waits for the lock unwinds at the task's [soft time limit](mod@crate::task#soft-time-limits).
///
/// ```standalone_crate
/// use carom::{Process, Value};
///
/// #[carom::task]
/// fn count(total: Value<u64>, n: u64) -> Result<(), carom::RemoteError> {
///     for _ in 0..n {
///         *total.lock()? += 1;
///     }
///     Ok(())
/// }
///
/// #[carom::main]
/// fn main() -> carom::Result<()> {
///     let total = Value::new(0)?;
///     let processes = [1000, 2000].map(|n| Process::spawn(count, (total.clone(), n)));
///     for process in processes {
///         process?.join()?.exit_ok()?;
///     }
///     assert_eq!(total.get()?, 3000);
///     Ok(())
/// }
/// ```
pub struct Value<T>(Locked<T>);

impl<T: Shared> Value<T> {
    /// A value with a lock of its own.
    ///
    /// # Errors
    /// If there is no memory for it.
    pub fn new(value: T) -> Result<Self, MemoryError> {
        Self::make(value, None)
    }

    /// A value with a lock that others have too.
    ///
    /// # Errors
    /// If there is no memory for it.
    pub fn with_lock(value: T, lock: &Lock) -> Result<Self, MemoryError> {
        Self::make(value, Some(lock))
    }

    /// A value of zeros, which is made in its place: also one that is too large for a thread's stack.
    ///
    /// # Errors
    /// If there is no memory for it.
    pub fn zeroed() -> Result<Self, MemoryError>
    where
        T: Zeroable,
    {
        // SAFETY: zeros are a value of such types.
        unsafe { Locked::create(1, None, |_| {}) }.map(Self)
    }

    fn make(value: T, lock: Option<&Lock>) -> Result<Self, MemoryError> {
        // SAFETY: there is space for it that nobody uses.
        let init = |contents: NonNull<u8>| unsafe { contents.cast::<T>().write(value) };
        // SAFETY: it is written.
        unsafe { Locked::create(1, lock, init) }.map(Self)
    }

    /// Waits for the lock, and gives access to the value until the guard is dropped.
    ///
    /// # Errors
    /// [`OwnerDied`], which holds the lock, if whoever held it before ended or panicked.
    ///
    /// # Panics
    /// If this very thread holds the lock, which would wait for ever.
    #[doc(alias = "acquire")]
    #[inline]
    #[track_caller]
    pub fn lock(&self) -> Result<Guard<'_, T>, OwnerDied<Guard<'_, T>>> {
        self.0.lock()
    }

    /// Takes the lock if nobody holds it.
    ///
    /// # Errors
    /// [`TryLockError::WouldBlock`] if anybody holds it, this thread too; [`TryLockError::OwnerDied`] as for [`lock`](Self::lock).
    pub fn try_lock(&self) -> Result<Guard<'_, T>, TryLockError<Guard<'_, T>>> {
        self.0.try_lock()
    }

    /// Waits for the lock, but no longer than `timeout`.
    ///
    /// # Errors
    /// [`LockTimeoutError::Timeout`] if it was held all the time; [`LockTimeoutError::OwnerDied`] as for [`lock`](Self::lock).
    ///
    /// # Panics
    /// If this very thread holds the lock.
    #[track_caller]
    pub fn lock_timeout(&self, timeout: Duration) -> Result<Guard<'_, T>, LockTimeoutError<Guard<'_, T>>> {
        self.0.lock_timeout(timeout)
    }

    /// A copy of the value; waits for the lock.
    ///
    /// To change a value by what it was, hold the lock all the time: `*value.lock()? += 1`.
    ///
    /// # Errors
    /// [`OwnerDied`], without the lock, if whoever held it before ended or panicked; take the lock to repair the value.
    ///
    /// # Panics
    /// As for [`lock`](Self::lock).
    #[track_caller]
    pub fn get(&self) -> Result<T, OwnerDied>
    where
        T: Copy,
    {
        self.lock().map(|guard| *guard).map_err(OwnerDied::release)
    }

    /// Replaces the value; waits for the lock.
    ///
    /// # Errors
    /// As for [`get`](Self::get); then nothing is changed.
    ///
    /// # Panics
    /// As for [`lock`](Self::lock).
    #[track_caller]
    pub fn set(&self, value: T) -> Result<(), OwnerDied> {
        *self.lock().map_err(OwnerDied::release)? = value;
        Ok(())
    }

    /// The lock. The guard of another handle of it gives access to this value by [`borrow`](Self::borrow).
    #[doc(alias = "get_lock")]
    pub fn as_lock(&self) -> &Lock {
        &self.0.lock
    }

    /// The value, where its lock is held already.
    ///
    /// # Panics
    /// If the guard is of another lock, or a holder of the lock died and left bytes that are no value of the type.
    #[track_caller]
    pub fn borrow<'a>(&'a self, guard: &'a LockGuard<'_>) -> &'a T {
        self.0.borrow(guard)
    }

    /// The value, to be changed, where its lock is held already.
    ///
    /// # Panics
    /// If the guard is of another lock, or a holder of the lock died and left bytes that are no value of the type.
    #[track_caller]
    pub fn borrow_mut<'a>(&'a self, guard: &'a mut LockGuard<'_>) -> &'a mut T {
        self.0.borrow_mut(guard)
    }
}

/// Another handle of the same value.
impl<T> Clone for Value<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Shared + Debug> Debug for Value<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        self.0.debug("Value", f)
    }
}

impl<T: Shared> Serialize for Value<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize("a `Value`", serializer)
    }
}

impl<'de, T: Shared> Deserialize<'de> for Value<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Locked::deserialize(deserializer).map(Self)
    }
}
