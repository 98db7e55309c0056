//! Values in a row without a lock.
//!
//! # Safety
//! The object's layout hash stands for such values. They are read and written by `racing`, or are made of atomics and
//! referred to by shared references only.
#![allow(unsafe_code)]

use std::fmt::{Debug, Formatter};
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::what;
use crate::memory::{MemoryError, Object, OutOfBounds};
use crate::shared::{Atomic, Lockless, Plain, Zeroable};
use crate::sys::racing;

/// Values in shared memory, without a lock: what a [`RawValue`](crate::RawValue) is for one value, this is for a fixed
/// number of them.
///
/// Those made of atomics are there as a slice. Others are read and written by copies: one at a time, or many in a row,
/// which is how to move much. A number of up to 8 bytes is copied at once; of anything else, a copy may be a mixture
/// of what two processes wrote.
///
/// ```
/// use carom::RawArray;
///
/// let samples = RawArray::<i16>::zeroed(6)?;
/// samples.write(2, &[5, -5])?;
/// samples.set(0, 7)?;
/// assert_eq!(samples.to_vec(), [7, 0, 5, -5, 0, 0]);
/// assert_eq!(samples.get(3), Some(-5));
/// assert_eq!(samples.iter().filter(|sample| *sample == 0).count(), 3);
/// assert!(samples.write(5, &[1, 2]).is_err());
/// # Ok::<(), carom::Error>(())
/// ```
pub struct RawArray<T> {
    object: Arc<Object>,
    of: PhantomData<T>,
}

// SAFETY: shared types can be used by any thread, as they can by any process.
unsafe impl<T> Send for RawArray<T> {}
// SAFETY: what is done through it, all processes can do at once.
unsafe impl<T> Sync for RawArray<T> {}

impl<T: Lockless> RawArray<T> {
    /// An array of these values.
    ///
    /// # Errors
    /// If there is no memory for it.
    pub fn new(values: &[T]) -> Result<Self, MemoryError>
    where
        T: Copy,
    {
        Self::from_fn(values.len(), |i| values[i])
    }

    /// An array of `len` zeros. No memory is taken for what nobody ever writes.
    ///
    /// # Errors
    /// If there is no memory for it.
    pub fn zeroed(len: usize) -> Result<Self, MemoryError>
    where
        T: Zeroable,
    {
        let object = Object::create(what::<T>(KIND, len)?, |_| {})?;
        Ok(Self { object: Arc::new(object), of: PhantomData })
    }

    /// An array of `len` times the same value.
    ///
    /// # Errors
    /// If there is no memory for it.
    pub fn filled(value: T, len: usize) -> Result<Self, MemoryError>
    where
        T: Copy,
    {
        Self::from_fn(len, |_| value)
    }

    /// An array of what `value` gives for each index.
    ///
    /// # Errors
    /// If there is no memory for it.
    pub fn from_fn(len: usize, mut value: impl FnMut(usize) -> T) -> Result<Self, MemoryError> {
        let object = Object::create(what::<T>(KIND, len)?, |contents| {
            let first = contents.cast::<T>().as_ptr();
            for i in 0..len {
                // SAFETY: there is space for so many that nobody uses.
                unsafe { first.wrapping_add(i).write(value(i)) };
            }
        })?;
        Ok(Self { object: Arc::new(object), of: PhantomData })
    }

    /// The address of a value, or of the end.
    fn at(&self, index: usize) -> *mut T {
        self.object.contents().cast::<T>().as_ptr().wrapping_add(index)
    }

    fn check(&self, start: usize, count: usize) -> Result<*mut T, OutOfBounds> {
        let (len, end) = (self.object.count(), start.saturating_add(count));
        if end <= len { Ok(self.at(start)) } else { Err(OutOfBounds { start, end, len }) }
    }
}

impl<T> RawArray<T> {
    /// How many values there are.
    pub fn len(&self) -> usize {
        self.object.count()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

const KIND: &str = "carom::RawArray";

impl<T: Lockless + Plain> RawArray<T> {
    /// A copy of a value (a relaxed load).
    #[inline]
    pub fn get(&self, index: usize) -> Option<T> {
        let at = self.check(index, 1).ok()?;
        // SAFETY: it is there, and all who write it do so by `racing`.
        Some(unsafe { racing::load(at) })
    }

    /// Replaces a value (a relaxed store).
    ///
    /// # Errors
    /// If there is none of this index.
    #[inline]
    pub fn set(&self, index: usize, value: T) -> Result<(), OutOfBounds> {
        let at = self.check(index, 1)?;
        // SAFETY: it is there, and all who use it do so by `racing`.
        unsafe { racing::store(at, value) };
        Ok(())
    }

    /// Copies values from `start` on, as many as there is space for.
    ///
    /// # Errors
    /// If there are not so many; then nothing is copied.
    pub fn read(&self, start: usize, values: &mut [T]) -> Result<(), OutOfBounds> {
        let from = self.check(start, values.len())?;
        // SAFETY: there are so many, every bit pattern is a `T`, and the slice is this process's alone.
        unsafe { racing::copy_in(from.cast(), values.as_mut_ptr().cast(), size_of_val(values)) };
        Ok(())
    }

    /// Replaces values from `start` on by these.
    ///
    /// # Errors
    /// If there are not so many; then nothing is changed.
    #[doc(alias = "copy_from_slice")]
    pub fn write(&self, start: usize, values: &[T]) -> Result<(), OutOfBounds> {
        let to = self.check(start, values.len())?;
        // SAFETY: there are so many, and a plain type has no padding.
        unsafe { racing::copy_out(values.as_ptr().cast(), to.cast(), size_of_val(values)) };
        Ok(())
    }

    /// A copy of all values.
    pub fn to_vec(&self) -> Vec<T> {
        let len = self.len();
        let mut values = Vec::<T>::with_capacity(len);
        let space: &mut [MaybeUninit<T>] = values.spare_capacity_mut();
        // SAFETY: there are so many, and there is space for them.
        unsafe { racing::copy_in(self.at(0).cast(), space.as_mut_ptr().cast(), len * size_of::<T>()) };
        // SAFETY: all of them were written, and every bit pattern is a `T`.
        unsafe { values.set_len(len) };
        values
    }

    /// The values, each copied when it is asked for.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = T> + DoubleEndedIterator {
        // SAFETY: it is there, and all who write it do so by `racing`.
        (0..self.len()).map(|index| unsafe { racing::load(self.at(index)) })
    }
}

impl<T: Lockless + Atomic> Deref for RawArray<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        // SAFETY: so many are there, valid, and changed through their atomics only.
        unsafe { std::slice::from_raw_parts(self.at(0), self.object.count()) }
    }
}

/// Another handle of the same array.
impl<T> Clone for RawArray<T> {
    fn clone(&self) -> Self {
        Self { object: Arc::clone(&self.object), of: PhantomData }
    }
}

impl<T> Debug for RawArray<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RawArray").field("len", &self.len()).finish_non_exhaustive()
    }
}

impl<T: Lockless> Serialize for RawArray<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.object.serialize("a `RawArray`", serializer)
    }
}

impl<'de, T: Lockless> Deserialize<'de> for RawArray<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let object = Object::deserialize(|count| what::<T>(KIND, count), deserializer)?;
        Ok(Self { object: Arc::new(object), of: PhantomData })
    }
}
