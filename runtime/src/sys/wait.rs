//! Waiting until descriptors are ready.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::time::Instant;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;

/// Waits until `fd` can be read (or has ended); false if `deadline` comes first. Goes on after signals.
pub(crate) fn readable(fd: &impl AsFd, deadline: Option<Instant>) -> io::Result<bool> {
    let mut fds = [PollFd::new(fd.as_fd(), PollFlags::POLLIN)];
    Ok(any_readable(&mut fds, deadline)? > 0)
}

/// Waits until one of `fds` is ready and returns how many are; 0 if `deadline` comes first.
pub(crate) fn any_readable(fds: &mut [PollFd<'_>], deadline: Option<Instant>) -> io::Result<usize> {
    loop {
        let left = deadline.map(|deadline| TimeSpec::from_duration(deadline.saturating_duration_since(Instant::now())));
        match ppoll(fds, left, None) {
            Ok(ready) => return Ok(ready as usize),
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
}

/// A pipe by which one thread wakes another: what it reads, and what the others write. Neither end blocks.
pub(crate) fn wake_pipe() -> io::Result<(File, File)> {
    let (read, write) = nix::unistd::pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)?;
    Ok((File::from(read), File::from(write)))
}
