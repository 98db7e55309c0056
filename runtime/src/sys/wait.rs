//! Waiting until descriptors are ready.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Instant;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::time::TimeSpec;

/// Waits until `fd` can be read (or has ended); false if `deadline` comes first. Goes on after signals.
pub(crate) fn readable(fd: &impl AsFd, deadline: Option<Instant>) -> io::Result<bool> {
    let mut fds = [PollFd::new(fd.as_fd(), PollFlags::POLLIN)];
    Ok(any_ready(&mut fds, deadline)? > 0)
}

/// Waits until `fd` takes bytes, or never will again. Goes on after signals.
pub(crate) fn writable(fd: &impl AsFd) -> io::Result<()> {
    writable_until(fd, None).map(drop)
}

/// The same; false if `deadline` comes first.
pub(crate) fn writable_until(fd: &impl AsFd, deadline: Option<Instant>) -> io::Result<bool> {
    let mut fds = [PollFd::new(fd.as_fd(), PollFlags::POLLOUT)];
    Ok(any_ready(&mut fds, deadline)? > 0)
}

/// Whether `fd` takes bytes at once, or never will again.
pub(crate) fn is_writable(fd: &impl AsFd) -> bool {
    let mut fds = [PollFd::new(fd.as_fd(), PollFlags::POLLOUT)];
    any_ready(&mut fds, Some(Instant::now())).is_ok_and(|ready| ready > 0)
}

/// Writes all, past what this process keeps for the descriptor: another thread may hold the lock of that, and wait.
pub(crate) fn write_all(fd: &impl AsFd, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match nix::unistd::write(fd, bytes) {
            Ok(len) => bytes = &bytes[len..],
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(())
}

/// Waits until one of two can be read (or has ended), and tells which. Goes on after signals.
pub(crate) fn either_readable(one: &impl AsFd, other: &impl AsFd) -> io::Result<[bool; 2]> {
    let mut fds = [PollFd::new(one.as_fd(), PollFlags::POLLIN), PollFd::new(other.as_fd(), PollFlags::POLLIN)];
    any_ready(&mut fds, None)?;
    Ok(fds.map(|fd| fd.any().unwrap_or(true)))
}

/// Waits until `fd` takes bytes; false if `process` ends before. Goes on after signals.
pub(crate) fn writable_or_ended(fd: &impl AsFd, process: &impl AsFd) -> io::Result<bool> {
    let mut fds = [PollFd::new(fd.as_fd(), PollFlags::POLLOUT), PollFd::new(process.as_fd(), PollFlags::POLLIN)];
    any_ready(&mut fds, None)?;
    let [writable, ended] = fds.map(|fd| fd.any().unwrap_or(true));
    Ok(writable && !ended)
}

/// Waits until one of `fds` is ready and returns how many are; 0 if `deadline` comes first.
pub(crate) fn any_ready(fds: &mut [PollFd<'_>], deadline: Option<Instant>) -> io::Result<usize> {
    loop {
        let left = deadline.map(|deadline| TimeSpec::from_duration(deadline.saturating_duration_since(Instant::now())));
        match ppoll(fds, left, None) {
            Ok(ready) => return Ok(ready as usize),
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
}

/// Has reads and writes of an open file fail where they would wait.
pub(crate) fn set_nonblocking(file: &impl AsFd) -> io::Result<()> {
    let flags = OFlag::from_bits_retain(fcntl(file, FcntlArg::F_GETFL)?);
    fcntl(file, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
    Ok(())
}

/// A bell by which one thread or process wakes another, which sleeps until it rings.
pub(crate) struct Bell(File);

impl Bell {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self(OwnedFd::from(EventFd::from_flags(EfdFlags::EFD_CLOEXEC)?).into()))
    }

    /// Another handle of it, for another process.
    pub(crate) fn copy(&self) -> io::Result<File> {
        self.0.try_clone()
    }

    pub(crate) fn ring(&self) {
        ring(&self.0);
    }

    /// Waits until it rings, and makes it still; false if it is time.
    pub(crate) fn wait(&self, deadline: Option<Instant>) -> bool {
        if deadline.is_some() && !readable(&self.0, deadline).unwrap_or(true) {
            return false;
        }
        // interrupted by a signal, one looks once more than needed
        let _ = (&self.0).read(&mut [0; 8]);
        true
    }
}

/// Rings a bell, by a copy.
pub(crate) fn ring(mut bell: &File) {
    // it fails only where it has been rung 2^64 times, and then it rings; or where somebody has closed it
    let _ = bell.write(&1_u64.to_ne_bytes());
}

impl AsFd for Bell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// A pipe by which one thread wakes another: what it reads, and what the others write. Neither end blocks.
pub(crate) fn wake_pipe() -> io::Result<(File, File)> {
    let (read, write) = nix::unistd::pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)?;
    Ok((File::from(read), File::from(write)))
}
