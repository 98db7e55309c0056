//! Objects that are nothing but atomics: some that are one, and any number of slots.
//!
//! # Safety
//! The contents of an object are a `H` and `count` times an `S`, which [`Zeroed`] says may be zeros and are only used through
//! atomics; they are there, aligned, as long as the object is.
#![allow(unsafe_code)]

use std::alloc::{Layout, LayoutError};
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64};

use serde::{Deserializer, Serializer};

use crate::memory::{Head, MemoryError, Object, PRIVATE, What};
use crate::raw::{flag::Flag, permits::Counts, rounds::Round, waiters::Line, waiters::Place};
use crate::shared;

/// What lies in the memory.
///
/// # Safety
/// It consists of atomics, and zeros are a value.
pub(super) unsafe trait Zeroed: Send + Sync + 'static {}

// SAFETY: an atomic.
unsafe impl Zeroed for AtomicU32 {}
// SAFETY: an atomic.
unsafe impl Zeroed for AtomicU64 {}
// SAFETY: an atomic.
unsafe impl Zeroed for Flag {}
// SAFETY: all fields are atomics.
unsafe impl Zeroed for Counts {}
// SAFETY: all fields are atomics.
unsafe impl Zeroed for Line {}
// SAFETY: all fields are atomics.
unsafe impl Zeroed for Place {}
// SAFETY: all fields are atomics.
unsafe impl Zeroed for Round {}

/// A handle.
pub(super) struct Words<H, S = AtomicU32> {
    object: Arc<Object>,
    types: PhantomData<fn() -> (H, S)>,
}

impl<H: Zeroed, S: Zeroed> Words<H, S> {
    /// Makes one, all zeros; `name` is that of the type that users see.
    pub(super) fn create(name: &str, slots: usize) -> Result<Self, MemoryError> {
        Ok(Self::of(Object::create(Self::what(name, slots)?, |_| {})?))
    }

    fn of(object: Object) -> Self {
        Self { object: Arc::new(object), types: PhantomData }
    }

    fn layout(slots: usize) -> Result<(Layout, usize), LayoutError> {
        Layout::new::<H>().extend(Layout::array::<S>(slots)?)
    }

    fn what(name: &str, slots: usize) -> Result<What, MemoryError> {
        let (contents, _) = Self::layout(slots).map_err(|_| MemoryError::TooLarge { size: usize::MAX })?;
        let layout = shared::Layout::new(name, size_of::<H>(), size_of::<S>()).hash();
        // one that is an `RLock`, say, would be released by its last guard while one of a `Lock` is there
        let layout = layout | PRIVATE;
        Ok(What { layout, contents, count: slots })
    }

    /// The lock that every object has.
    pub(super) fn lock(&self) -> &Head {
        self.object.head()
    }

    #[inline]
    pub(super) fn head(&self) -> &H {
        // SAFETY: see the head of this file.
        unsafe { self.object.contents().cast::<H>().as_ref() }
    }

    #[inline]
    pub(super) fn slots(&self) -> &[S] {
        let offset = size_of::<H>().next_multiple_of(align_of::<S>());
        // SAFETY: that far into the contents the slots begin, as `Layout::extend` places them.
        let first = unsafe { self.object.contents().add(offset) };
        // SAFETY: see the head of this file.
        unsafe { std::slice::from_raw_parts(first.cast::<S>().as_ptr(), self.object.count()) }
    }

    pub(super) fn is(&self, other: &Self) -> bool {
        self.object.is(&other.object)
    }

    /// `article` is the name with its article, for errors.
    pub(super) fn serialize<R: Serializer>(&self, article: &str, serializer: R) -> Result<R::Ok, R::Error> {
        self.object.serialize(article, serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(name: &str, deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::of(Object::deserialize(|slots| Self::what(name, slots), deserializer)?))
    }
}

impl<H, S> Clone for Words<H, S> {
    fn clone(&self) -> Self {
        Self { object: Arc::clone(&self.object), types: PhantomData }
    }
}

/// What every handle of words can do: be compared, and travel.
macro_rules! handle {
    ($type:ident, $name:literal, $article:literal) => {
        /// Whether two are handles of the same one.
        impl PartialEq for $type {
            fn eq(&self, other: &Self) -> bool {
                self.words.is(&other.words)
            }
        }

        impl Eq for $type {}

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.words.serialize($article, serializer)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Ok(Self { words: $crate::sync::words::Words::deserialize($name, deserializer)? })
            }
        }
    };
}

pub(super) use handle;
