//! Signals that a system call would send to this thread.
//!
//! # Safety
//! Sets of signals that are initialised before use.
#![allow(unsafe_code)]

use std::io;
use std::mem::MaybeUninit;
use std::ptr;

/// Writes to a file. Where that passes the limit for sizes of files (`RLIMIT_FSIZE`), which also holds for
/// memory files, the result is an error and not the end of the process by SIGXFSZ.
pub(crate) fn without_file_size_signal<T>(write: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let mut set = MaybeUninit::uninit();
    // SAFETY: the pointer is to space for a set.
    unsafe { libc::sigemptyset(set.as_mut_ptr()) };
    // SAFETY: the set is initialised.
    unsafe { libc::sigaddset(set.as_mut_ptr(), libc::SIGXFSZ) };
    let mut before = MaybeUninit::uninit();
    // SAFETY: the set is initialised, and there is space for the old one.
    unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, set.as_ptr(), before.as_mut_ptr()) };
    let result = write();
    if result.is_err() {
        // the signal was sent to this thread and waits: take it
        let now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: the set is initialised; a null pointer is allowed.
        unsafe { libc::sigtimedwait(set.as_ptr(), ptr::null_mut(), &now) };
    }
    // SAFETY: the call above wrote the old set; a null pointer is allowed.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), ptr::null_mut()) };
    result
}
