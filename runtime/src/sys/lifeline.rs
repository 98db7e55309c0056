//! Dying with the parent, also when it is SIGKILLed, without a thread and without polling.
//!
//! The parent alone holds the write end of a pipe. The child asks the kernel to send itself SIGKILL when
//! the read end becomes readable (`F_SETOWN`, `F_SETSIG`, `O_ASYNC`), and that is when the last write end
//! is closed, by whatever ends the parent. `PR_SET_PDEATHSIG` would not do: it fires when the *thread*
//! that started the child ends.
//!
//! # Safety
//! `fcntl` with integers only.
#![allow(unsafe_code)]

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, IntoRawFd, OwnedFd};
use std::sync::atomic::{AtomicI32, Ordering::Relaxed};

use nix::fcntl::OFlag;

/// The same on all architectures; missing in the libc crate.
const F_SETSIG: libc::c_int = 10;

/// The parent's end; as long as it is open, the child lives.
#[derive(Debug)]
pub(crate) struct Hold(#[allow(dead_code, reason = "held for its drop")] OwnedFd);

/// The child's end, for [`arm`].
pub(crate) fn pair() -> io::Result<(Hold, OwnedFd)> {
    let (read, write) = nix::unistd::pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)?;
    Ok((Hold(write), read))
}

/// Makes this process end as soon as the holder does; `false` if it has ended already.
pub(crate) fn arm(end: OwnedFd) -> io::Result<bool> {
    // in a program without std's runtime, standard streams may be closed; what is opened in their place is
    // soon replaced by something else (std duplicates to 3 or above)
    let end = if end.as_raw_fd() <= libc::STDERR_FILENO { end.try_clone()? } else { end };
    set(&end, libc::F_SETOWN, std::process::id() as libc::c_int)?;
    set(&end, F_SETSIG, libc::SIGKILL)?;
    set(&end, libc::F_SETFL, libc::O_ASYNC | libc::O_NONBLOCK)?;
    // The parent may have ended before the pipe was armed. Nothing is ever written to it.
    let mut end = File::from(end);
    let alive = matches!(end.read(&mut [0]), Err(error) if error.kind() == io::ErrorKind::WouldBlock);
    // closing it would disarm it
    ARMED.store(end.into_raw_fd(), Relaxed);
    Ok(alive)
}

/// The number of the end that was armed.
static ARMED: AtomicI32 = AtomicI32::new(-1);

/// Lets this process outlive its parent.
pub(crate) fn disarm() {
    let number = ARMED.load(Relaxed);
    if number >= 0 {
        // SAFETY: takes integers only; the descriptor was left open for this.
        unsafe { libc::fcntl(number, libc::F_SETFL, libc::O_NONBLOCK) };
    }
}

fn set(fd: &impl AsFd, command: libc::c_int, value: libc::c_int) -> io::Result<()> {
    // SAFETY: these commands take an integer.
    match unsafe { libc::fcntl(fd.as_fd().as_raw_fd(), command, value) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}
