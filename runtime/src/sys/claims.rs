//! Who uses which part of a file, kept by the kernel: a part is in use as long as an open file exists that claimed it,
//! in whatever process, or in a message that nobody has received yet. So nothing is left claimed when a process is
//! killed.
//!
//! A claim is a lock for reading of that range of bytes, of the kind that belongs to the open file and not to the
//! process (`F_OFD_SETLK`). It hinders nobody to read or write; only another one's claim to have the range alone is
//! refused. Descriptors that were duplicated, by sending them too, are the same open file.

use std::io;
use std::ops::Range;
use std::os::fd::AsFd;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};

/// Claims a range for this open file. It cannot fail because of others, unless one has it alone.
pub(crate) fn claim(file: &impl AsFd, range: Range<u64>) -> io::Result<()> {
    set(file, libc::F_RDLCK, range)?;
    Ok(())
}

/// Gives up what this open file has claimed of a range.
pub(crate) fn release(file: &impl AsFd, range: Range<u64>) {
    // it fails only where the kernel has no memory for the two pieces that are left of a claim; then it stays
    let _ = set(file, libc::F_UNLCK, range);
}

/// Claims a range for this open file alone; false if another one uses some of it.
pub(crate) fn claim_alone(file: &impl AsFd, range: Range<u64>) -> io::Result<bool> {
    match set(file, libc::F_WRLCK, range) {
        Ok(()) => Ok(true),
        Err(Errno::EAGAIN | Errno::EACCES) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}

/// Waits until no other open file uses some of a range, and claims it for this one alone. Goes on after signals.
pub(crate) fn wait_alone(file: &impl AsFd, range: Range<u64>) -> io::Result<()> {
    loop {
        match fcntl(file, FcntlArg::F_OFD_SETLKW(&lock(libc::F_WRLCK, range.clone()))) {
            Err(Errno::EINTR) => {}
            result => return Ok(result.map(drop)?),
        }
    }
}

/// Whether another open file uses some of a range.
pub(crate) fn is_claimed_by_others(file: &impl AsFd, range: Range<u64>) -> io::Result<bool> {
    let mut lock = lock(libc::F_WRLCK, range);
    fcntl(file, FcntlArg::F_OFD_GETLK(&mut lock))?;
    Ok(lock.l_type != libc::F_UNLCK as libc::c_short)
}

fn set(file: &impl AsFd, kind: libc::c_int, range: Range<u64>) -> Result<(), Errno> {
    fcntl(file, FcntlArg::F_OFD_SETLK(&lock(kind, range))).map(drop)
}

fn lock(kind: libc::c_int, range: Range<u64>) -> libc::flock {
    libc::flock {
        l_type: kind as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: range.start as libc::off_t,
        l_len: (range.end - range.start) as libc::off_t,
        l_pid: 0,
    }
}
