//! What a worker writes to its standard error, passed on to that of this process, and the last of it kept.

use std::collections::VecDeque;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use crate::sys::wait;

/// So many bytes are kept.
const KEPT: usize = 4096;

pub(super) struct Tail {
    pipe: Arc<PipeReader>,
    last: VecDeque<u8>,
    /// No more will come.
    is_over: bool,
}

impl Tail {
    /// One, and the end that the worker writes to.
    pub(super) fn new() -> io::Result<(Self, OwnedFd)> {
        let (pipe, theirs): (_, PipeWriter) = io::pipe()?;
        wait::set_nonblocking(&pipe)?;
        Ok((Self { pipe: Arc::new(pipe), last: VecDeque::new(), is_over: false }, theirs.into()))
    }

    /// What tells that there is more; none if no more will come.
    pub(super) fn source(&self) -> Option<Source> {
        (!self.is_over).then(|| Source(Arc::clone(&self.pipe)))
    }

    /// Takes what is there and passes it on.
    pub(super) fn pass_on(&mut self) {
        let mut bytes = [0; 4096];
        // what a worker writes faster than this can pass on waits in the pipe, and then the worker does
        for _ in 0..16 {
            match (&*self.pipe).read(&mut bytes) {
                Ok(0) => self.is_over = true,
                Ok(len) => {
                    // that nobody can read it is not the worker's affair
                    let _ = io::stderr().write_all(&bytes[..len]);
                    self.last.extend(&bytes[..len]);
                    let surplus = self.last.len().saturating_sub(KEPT);
                    self.last.drain(..surplus);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => self.is_over = true,
            }
            if self.is_over {
                return;
            }
        }
    }

    /// The last of it, from the beginning of a line where it is cut.
    pub(super) fn text(&self) -> String {
        let bytes: Vec<u8> = self.last.iter().copied().collect();
        let cut = match bytes.iter().position(|byte| *byte == b'\n') {
            Some(end) if bytes.len() == KEPT => end + 1,
            _ => 0,
        };
        String::from_utf8_lossy(&bytes[cut..]).into_owned()
    }
}

/// A part of a [`Tail`] that can be waited for without it.
pub(super) struct Source(Arc<PipeReader>);

impl AsFd for Source {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
