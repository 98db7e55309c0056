//! A child by its pidfd, which no other process can come to mean.
//!
//! # Safety
//! System calls without pointers, and one that writes into a `siginfo_t` of ours.
#![allow(unsafe_code)]

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd};

/// How a process ended, as the kernel tells it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Exit {
    Code(i32),
    Signal {
        number: i32,
        core_dumped: bool,
    },
    /// Somebody else has taken the status: a `wait` of the host's, or SIGCHLD is ignored.
    Unknown,
}

/// Sends a signal; one to a process that has ended goes nowhere.
pub(crate) fn signal(child: &impl AsFd, number: i32) -> io::Result<()> {
    let null = std::ptr::null::<libc::siginfo_t>();
    // SAFETY: a null pointer is allowed.
    let sent = unsafe { libc::syscall(libc::SYS_pidfd_send_signal, child.as_fd().as_raw_fd(), number, null, 0) };
    match sent {
        0 => Ok(()),
        _ => match io::Error::last_os_error() {
            error if error.raw_os_error() == Some(libc::ESRCH) => Ok(()),
            error => Err(error),
        },
    }
}

/// Takes the child's status if it has ended, and how many bytes of memory it took at most; from then on its pid may belong to somebody else.
pub(crate) fn reap(child: &impl AsFd) -> io::Result<Option<(Exit, u64)>> {
    wait(child, libc::WNOHANG)
}

/// Waits until it has ended and takes its status.
pub(crate) fn wait_and_reap(child: &impl AsFd) -> io::Result<Exit> {
    loop {
        match wait(child, 0) {
            Ok(Some((exit, _))) => return Ok(exit),
            Ok(None) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// In bytes.
fn peak_of(usage: libc::rusage) -> u64 {
    usage.ru_maxrss.unsigned_abs() << 10
}

/// How many bytes of memory this process has taken at most.
pub(crate) fn own_peak() -> u64 {
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: the pointer is to space for the structure.
    let told = unsafe { libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr()) };
    // SAFETY: zeros are a valid value, and the kernel may have written a better one.
    let usage = unsafe { usage.assume_init() };
    if told == 0 { peak_of(usage) } else { u64::MAX }
}

fn wait(child: &impl AsFd, flags: libc::c_int) -> io::Result<Option<(Exit, u64)>> {
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    let (id, flags) = (child.as_fd().as_raw_fd(), libc::WEXITED | flags);
    // the C library's function does not ask for the usage
    // SAFETY: the pointers are to space for the structures.
    let waited =
        unsafe { libc::syscall(libc::SYS_waitid, libc::P_PIDFD, id, info.as_mut_ptr(), flags, usage.as_mut_ptr()) };
    if waited != 0 {
        return match io::Error::last_os_error() {
            error if error.raw_os_error() == Some(libc::ECHILD) => Ok(Some((Exit::Unknown, 0))),
            error => Err(error),
        };
    }
    // SAFETY: zeros are a valid value, and the kernel may have written a better one.
    let info = unsafe { info.assume_init() };
    // SAFETY: the structure is zeros or that of a child's end.
    if unsafe { info.si_pid() } == 0 {
        return Ok(None);
    }
    // SAFETY: as above.
    let status = unsafe { info.si_status() };
    let exit = match info.si_code {
        libc::CLD_EXITED => Exit::Code(status),
        code => Exit::Signal { number: status, core_dumped: code == libc::CLD_DUMPED },
    };
    // SAFETY: as with the other structure.
    let usage = unsafe { usage.assume_init() };
    Ok(Some((exit, peak_of(usage))))
}
