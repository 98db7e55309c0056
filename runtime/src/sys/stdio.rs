//! The standard streams of a child.
//!
//! # Safety
//! `dup2` onto a number that std never hands out as owned.
#![allow(unsafe_code)]

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::sync::OnceLock;

/// `/dev/null`, opened once; it can be read and written.
pub(crate) fn null() -> io::Result<BorrowedFd<'static>> {
    static NULL: OnceLock<File> = OnceLock::new();
    if let Some(null) = NULL.get() {
        return Ok(null.as_fd());
    }
    let opened = OpenOptions::new().read(true).write(true).open("/dev/null")?;
    Ok(NULL.get_or_init(|| opened).as_fd())
}

/// Makes `target` this process's standard output; what std still buffers goes to the old one.
pub(crate) fn redirect_stdout(target: BorrowedFd<'_>) -> io::Result<()> {
    // a closed or full old output is no reason not to leave it
    let _ = io::stdout().flush();
    // SAFETY: takes no pointers; 1 stays open throughout.
    match unsafe { libc::dup2(target.as_raw_fd(), libc::STDOUT_FILENO) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}
