//! Values in a row with a lock.
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

/// Values in shared memory, with a lock for all of them: whoever holds it has them as a slice.
///
/// What a [`Value`](crate::Value) is for one value, this is for a fixed number of them. For processes that work on parts of
/// them at the same time, make an array for each part, or a [`RawArray`](crate::RawArray), which has no lock.
///
/// ```standalone_crate
/// use carom::{Array, Process};
///
/// #[carom::task]
/// fn double(numbers: Array<f64>) {
///     let mut numbers = numbers.lock().expect("nobody died");
///     numbers.iter_mut().for_each(|number| *number *= 2.0);
/// }
///
/// #[carom::main]
/// fn main() -> carom::Result<()> {
///     let numbers = Array::new(&[1.0, 2.5, 4.0])?;
///     Process::spawn(double, numbers.clone())?.join()?.exit_ok()?;
///     assert_eq!(numbers.to_vec()?, [2.0, 5.0, 8.0]);
///     assert_eq!(numbers.lock()?[1..], [5.0, 8.0]);
///     Ok(())
/// }
/// ```
pub struct Array<T>(Locked<[T]>);

impl<T: Shared> Array<T> {
    /// An array of these values, with a lock of its own.
    ///
    /// # Errors
    /// If there is no memory for it.
    pub fn new(values: &[T]) -> Result<Self, MemoryError>
    where
        T: Copy,
    {
        Self::make(values.len(), |i| values[i], None)
    }

    /// An array of these values, with a lock that others have too.
    ///
    /// # Errors
    /// If there is no memory for it.
    pub fn with_lock(values: &[T], lock: &Lock) -> Result<Self, MemoryError>
    where
        T: Copy,
    {
        Self::make(values.len(), |i| values[i], Some(lock))
    }

    /// An array of `len` zeros. No memory is taken for what nobody ever writes.
    ///
    /// # Errors
    /// If there is no memory for it.
    pub fn zeroed(len: usize) -> Result<Self, MemoryError>
    where
        T: Zeroable,
    {
        // SAFETY: zeros are a value of such types.
        unsafe { Locked::create(len, None, |_| {}) }.map(Self)
    }

    /// An array of `len` zeros, with a lock that others have too.
    ///
    /// # Errors
    /// If there is no memory for it.
    pub fn zeroed_with_lock(len: usize, lock: &Lock) -> Result<Self, MemoryError>
    where
        T: Zeroable,
    {
        // SAFETY: zeros are a value of such types.
        unsafe { Locked::create(len, Some(lock), |_| {}) }.map(Self)
    }

    /// An array of `len` times the same value.
    ///
    /// # Errors
    /// If there is no memory for it.
    pub fn filled(value: T, len: usize) -> Result<Self, MemoryError>
    where
        T: Copy,
    {
        Self::make(len, |_| value, None)
    }

    /// An array of what `value` gives for each index.
    ///
    /// # Errors
    /// If there is no memory for it.
    pub fn from_fn(len: usize, value: impl FnMut(usize) -> T) -> Result<Self, MemoryError> {
        Self::make(len, value, None)
    }

    fn make(len: usize, mut value: impl FnMut(usize) -> T, lock: Option<&Lock>) -> Result<Self, MemoryError> {
        let init = |contents: NonNull<u8>| {
            let first = contents.cast::<T>().as_ptr();
            for i in 0..len {
                // SAFETY: there is space for so many that nobody uses.
                unsafe { first.wrapping_add(i).write(value(i)) };
            }
        };
        // SAFETY: all of them are written.
        unsafe { Locked::create(len, lock, init) }.map(Self)
    }

    /// Waits for the lock, and gives the values as a slice until the guard is dropped.
    ///
    /// # Errors
    /// [`OwnerDied`], which holds the lock, if whoever held it before ended or panicked.
    ///
    /// # Panics
    /// If this very thread holds the lock, which would wait for ever.
    #[doc(alias = "acquire")]
    #[inline]
    #[track_caller]
    pub fn lock(&self) -> Result<Guard<'_, [T]>, OwnerDied<Guard<'_, [T]>>> {
        self.0.lock()
    }

    /// Takes the lock if nobody holds it.
    ///
    /// # Errors
    /// [`TryLockError::WouldBlock`] if anybody holds it, this thread too; [`TryLockError::OwnerDied`] as for [`lock`](Self::lock).
    pub fn try_lock(&self) -> Result<Guard<'_, [T]>, TryLockError<Guard<'_, [T]>>> {
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
    pub fn lock_timeout(&self, timeout: Duration) -> Result<Guard<'_, [T]>, LockTimeoutError<Guard<'_, [T]>>> {
        self.0.lock_timeout(timeout)
    }

    /// A copy of all values; waits for the lock.
    ///
    /// # Errors
    /// [`OwnerDied`], without the lock, if whoever held it before ended or panicked; take the lock to repair the values.
    ///
    /// # Panics
    /// As for [`lock`](Self::lock).
    #[track_caller]
    pub fn to_vec(&self) -> Result<Vec<T>, OwnerDied>
    where
        T: Copy,
    {
        self.lock().map(|guard| guard.to_vec()).map_err(OwnerDied::release)
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        self.0.contents().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The lock. The guard of another handle of it gives access to this array by [`borrow`](Self::borrow).
    #[doc(alias = "get_lock")]
    pub fn as_lock(&self) -> &Lock {
        &self.0.lock
    }

    /// The values, where their lock is held already.
    ///
    /// # Panics
    /// If the guard is of another lock, or a holder of the lock died and left bytes that are no value of the type.
    #[track_caller]
    pub fn borrow<'a>(&'a self, guard: &'a LockGuard<'_>) -> &'a [T] {
        self.0.borrow(guard)
    }

    /// The values, to be changed, where their lock is held already.
    ///
    /// # Panics
    /// If the guard is of another lock, or a holder of the lock died and left bytes that are no value of the type.
    #[track_caller]
    pub fn borrow_mut<'a>(&'a self, guard: &'a mut LockGuard<'_>) -> &'a mut [T] {
        self.0.borrow_mut(guard)
    }
}

/// Another handle of the same array.
impl<T> Clone for Array<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Shared + Debug> Debug for Array<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        self.0.debug("Array", f)
    }
}

impl<T: Shared> Serialize for Array<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize("an `Array`", serializer)
    }
}

impl<'de, T: Shared> Deserialize<'de> for Array<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Locked::deserialize(deserializer).map(Self)
    }
}
