//! Bytes in a file that has no name and lies in memory (`memfd_create`).
//!
//! # Safety
//! Sets of signals that are initialised before use.
#![allow(unsafe_code)]

use std::ffi::CStr;
use std::fs::File;
use std::io::{self, Seek, Write};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::ptr;

use nix::sys::memfd::{MFdFlags, memfd_create};

/// A file of these bytes, to be read from its start. The name is for those who look into `/proc`.
pub(crate) fn of(name: &CStr, bytes: &[u8]) -> io::Result<OwnedFd> {
    let mut file = File::from(memfd_create(name, MFdFlags::MFD_CLOEXEC)?);
    without_file_size_signal(|| file.write_all(bytes))?;
    file.rewind()?;
    Ok(file.into())
}

/// Writes to a file. Where that passes the limit for sizes of files (`RLIMIT_FSIZE`), which also holds for
/// memory files, the result is an error and not the end of the process by SIGXFSZ.
fn without_file_size_signal<T>(write: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
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
