//! The clock that is never set, as a number that all processes agree on.
//!
//! # Safety
//! The C library writes into a structure of ours.
#![allow(unsafe_code)]

use std::mem::MaybeUninit;

/// Nanoseconds since some time.
#[inline]
pub(crate) fn nanoseconds() -> u64 {
    now(libc::CLOCK_MONOTONIC)
}

/// The same, some milliseconds old, for a fraction of the time.
#[inline]
pub(crate) fn coarse_nanoseconds() -> u64 {
    now(libc::CLOCK_MONOTONIC_COARSE)
}

/// Milliseconds since some time; it starts again from 0 every seven weeks.
pub(crate) fn milliseconds() -> u32 {
    (nanoseconds() / 1_000_000) as u32
}

/// Called for each of very many calls of tasks, and so without anything between.
#[inline]
fn now(clock: libc::clockid_t) -> u64 {
    let mut now = MaybeUninit::<libc::timespec>::zeroed();
    // SAFETY: the pointer is to space for the structure. These clocks are always there.
    unsafe { libc::clock_gettime(clock, now.as_mut_ptr()) };
    // SAFETY: zeros are a valid value, and the call has written a better one.
    let now = unsafe { now.assume_init() };
    now.tv_sec.unsigned_abs() * 1_000_000_000 + now.tv_nsec.unsigned_abs()
}
