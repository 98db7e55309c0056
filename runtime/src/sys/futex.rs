//! Sleeping on a word of shared memory until another process changes it.
//!
//! # Safety
//! System calls with the address of a word that is borrowed while they last.
#![allow(unsafe_code)]

use std::io;
use std::ptr;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

/// Sleeps while the word is `expected`, until it is woken or for `time`; false if that is over, or a signal ended it (who is interrupted
/// more often than that would otherwise never see its time over). May return early for no reason.
pub(crate) fn wait(word: &AtomicU32, expected: u32, time: Duration) -> bool {
    let time = libc::timespec {
        tv_sec: i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: time.subsec_nanos().into(),
    };
    // not private to this process; a relative time is one of the clock that is never set
    // SAFETY: the word and the time are borrowed until the call returns.
    let result =
        unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAIT, expected, ptr::from_ref(&time)) };
    result == 0 || !matches!(io::Error::last_os_error().raw_os_error(), Some(libc::ETIMEDOUT | libc::EINTR))
}

/// Sleeps as long as the word has this value and nobody wakes this thread; it may also wake up without a reason. Without a time,
/// the kernel sets no timer.
pub(crate) fn wait_for_waker(word: &AtomicU32, expected: u32) {
    let forever = ptr::null::<libc::timespec>();
    // SAFETY: the word is borrowed until the call returns; a null pointer is allowed.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAIT, expected, forever) };
}

/// Wakes all who sleep on the word, in whatever process.
pub(crate) fn wake_all(word: &AtomicU32) {
    wake(word, i32::MAX);
}

/// Wakes one of them.
pub(crate) fn wake_one(word: &AtomicU32) {
    wake(word, 1);
}

fn wake(word: &AtomicU32, count: i32) {
    // SAFETY: the word is borrowed until the call returns.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAKE, count) };
}
