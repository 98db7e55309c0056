//! What the kernel lets a process take.
//!
//! # Safety
//! One system call, with a pointer to a structure of ours.
#![allow(unsafe_code)]

use std::io;

/// Lets a process of this user have addresses for so many bytes at most; requests for more fail there.
pub(crate) fn address_space(pid: u32, most: u64) -> io::Result<()> {
    let limit = libc::rlimit { rlim_cur: most, rlim_max: most };
    // SAFETY: the structure is valid; a null pointer is allowed.
    match unsafe { libc::prlimit(pid.cast_signed(), libc::RLIMIT_AS, &raw const limit, std::ptr::null_mut()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
