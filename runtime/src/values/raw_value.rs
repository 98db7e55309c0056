//! One value without a lock.
//!
//! # Safety
//! The object's layout hash stands for such a value. It is read and written by `racing`, or is made of atomics and
//! referred to by shared references only.
#![allow(unsafe_code)]

use std::fmt::{Debug, Formatter};
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::what;
use crate::memory::{MemoryError, Object};
use crate::shared::{Atomic, Lockless, Plain};
use crate::sys::racing;

/// A value in shared memory, without a lock.
///
/// It is either made of atomics, and then this derefs to it, so that all processes use it at once:
/// `RawValue<AtomicU64>`, or a struct of atomics under [`#[shared]`](macro@crate::shared). Or it is plain (every bit
/// pattern is a value, and there is no padding), and is [read](Self::load) and [written](Self::store) by copies. A number of up
/// to 8 bytes is copied at once; of anything else, a copy may be a mixture of what two processes wrote.
///
/// It goes to other processes as a [`Value`](crate::Value) does, and exists as long as any of them has a handle.
///
/// ```standalone_crate
/// use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
/// use carom::{Process, RawValue};
///
/// #[carom::task]
/// fn count(total: RawValue<AtomicU64>) {
///     total.fetch_add(1, Relaxed);
/// }
///
/// #[carom::main]
/// fn main() -> carom::Result<()> {
///     let total = RawValue::new(AtomicU64::new(40))?;
///     for _ in 0..2 {
///         Process::spawn(count, total.clone())?.join()?.exit_ok()?;
///     }
///     assert_eq!(total.load(Relaxed), 42);
///
///     let position = RawValue::new([1.0, 2.0])?;
///     position.store([3.0, 4.0]);
///     assert_eq!(position.load(), [3.0, 4.0]);
///     Ok(())
/// }
/// ```
pub struct RawValue<T> {
    object: Arc<Object>,
    of: PhantomData<T>,
}

// SAFETY: shared types can be used by any thread, as they can by any process.
unsafe impl<T> Send for RawValue<T> {}
// SAFETY: what is done through it, all processes can do at once.
unsafe impl<T> Sync for RawValue<T> {}

impl<T: Lockless> RawValue<T> {
    /// A value that begins as this one.
    ///
    /// # Errors
    /// If there is no memory for it.
    pub fn new(value: T) -> Result<Self, MemoryError> {
        let object = Object::create(what::<T>(KIND, 1)?, |contents| {
            // SAFETY: there is space for it that nobody uses.
            unsafe { contents.cast::<T>().write(value) };
        })?;
        Ok(Self { object: Arc::new(object), of: PhantomData })
    }

    fn at(&self) -> *mut T {
        self.object.contents().cast().as_ptr()
    }
}

const KIND: &str = "carom::RawValue";

impl<T: Lockless + Plain> RawValue<T> {
    /// A copy of the value (a relaxed load).
    #[doc(alias = "get")]
    #[inline]
    pub fn load(&self) -> T {
        // SAFETY: it is there, and all who write it do so by `store`.
        unsafe { racing::load(self.at()) }
    }

    /// Replaces the value (a relaxed store). To change it by what it was, it has to be an atomic.
    #[doc(alias = "set")]
    #[inline]
    pub fn store(&self, value: T) {
        // SAFETY: it is there, and all who use it do so by `load` and `store`.
        unsafe { racing::store(self.at(), value) };
    }
}

impl<T: Lockless + Atomic> Deref for RawValue<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: it is there, valid, and changed through its atomics only.
        unsafe { &*self.at() }
    }
}

/// Another handle of the same value.
impl<T> Clone for RawValue<T> {
    fn clone(&self) -> Self {
        Self { object: Arc::clone(&self.object), of: PhantomData }
    }
}

impl<T> Debug for RawValue<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RawValue").finish_non_exhaustive()
    }
}

impl<T: Lockless> Serialize for RawValue<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.object.serialize("a `RawValue`", serializer)
    }
}

impl<'de, T: Lockless> Deserialize<'de> for RawValue<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let expected = |count| match count {
            1 => what::<T>(KIND, 1),
            _ => Err(MemoryError::Unfit { reason: "a value is one" }),
        };
        let object = Object::deserialize(expected, deserializer)?;
        Ok(Self { object: Arc::new(object), of: PhantomData })
    }
}
