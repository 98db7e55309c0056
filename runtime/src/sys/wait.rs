//! Waiting until descriptors are ready.

use std::io;
use std::os::fd::AsFd;
use std::time::Instant;

use nix::errno::Errno;
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
