//! Memory with the words of `raw` in it, all zeros, as the runtime makes it.
//!
//! # Safety
//! `Zeroed` says of which types zeros are a value.
#![allow(unsafe_code)]

use crate::atomic::AtomicU64;
use crate::checker;
use crate::raw::{flag::Flag, permits::Counts, rounds::Round, waiters::Line, waiters::Place};

/// # Safety
/// Zeros are a value.
pub(crate) unsafe trait Zeroed {}

// SAFETY: an integer.
unsafe impl Zeroed for AtomicU64 {}
// SAFETY: all fields are atomics.
unsafe impl Zeroed for Flag {}
// SAFETY: all fields are atomics.
unsafe impl Zeroed for Counts {}
// SAFETY: all fields are atomics.
unsafe impl Zeroed for Line {}
// SAFETY: all fields are atomics.
unsafe impl Zeroed for Place {}
// SAFETY: all fields are atomics.
unsafe impl Zeroed for Round {}

pub(crate) struct Words<H, S = AtomicU64> {
    pub(crate) head: Box<H>,
    pub(crate) slots: Box<[S]>,
}

impl<H: Zeroed, S: Zeroed> Words<H, S> {
    pub(crate) fn new(slots: usize) -> Self {
        let (head, slots) = (Box::new_zeroed(), Box::new_zeroed_slice(slots));
        // SAFETY: it is `Zeroed`.
        let head: Box<H> = unsafe { head.assume_init() };
        // SAFETY: it is `Zeroed`.
        let slots: Box<[S]> = unsafe { slots.assume_init() };
        checker::watch(std::ptr::from_ref(&*head).addr(), size_of::<H>());
        checker::watch(slots.as_ptr().addr(), size_of_val(&*slots));
        Self { head, slots }
    }
}
