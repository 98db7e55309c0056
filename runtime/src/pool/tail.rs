//! What a worker writes to its standard error, passed on to that of this process, and the last of it kept.

use std::collections::VecDeque;
use std::io::{self, PipeReader, PipeWriter, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use crate::sys::wait;

/// So many bytes are kept.
const KEPT: usize = 4096;
/// So many are passed on at once: a pipe that takes some takes as many.
const SOME: usize = 4096;
/// So often in a row, before something else is looked at; what a pipe holds.
const AT_ONCE: usize = 16;
/// After how long it is tried again, where this process's standard error has taken no more.
pub(super) const HELD_UP: Duration = Duration::from_millis(10);

pub(super) struct Tail {
    pipe: Arc<PipeReader>,
    last: VecDeque<u8>,
    /// What has been read and is to be passed on.
    waiting: Vec<u8>,
    /// No more will come.
    is_over: bool,
}

impl Tail {
    /// One, and the end that the worker writes to.
    pub(super) fn new() -> io::Result<(Self, OwnedFd)> {
        let (pipe, theirs): (_, PipeWriter) = io::pipe()?;
        wait::set_nonblocking(&pipe)?;
        let (pipe, last, waiting) = (Arc::new(pipe), VecDeque::new(), Vec::new());
        Ok((Self { pipe, last, waiting, is_over: false }, theirs.into()))
    }

    /// What tells that there is more; none if no more will come, or nobody takes it.
    pub(super) fn source(&self) -> Option<Source> {
        (!self.is_over && !self.is_held_up()).then(|| Source(Arc::clone(&self.pipe)))
    }

    /// Whether it is to be asked to [pass on](Self::pass_on) what it has after [a while](HELD_UP).
    pub(super) fn is_held_up(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Takes what is there and passes it on. Does not block: a worker whose words nobody takes is held up, and nobody else.
    pub(super) fn pass_on(&mut self) {
        // what a worker writes faster than this can pass on waits in the pipe, and then the worker does
        for _ in 0..AT_ONCE {
            self.write();
            if self.is_held_up() || !self.read() {
                return;
            }
        }
        self.write();
    }

    /// The same when the worker has ended: takes all that it has left, which is no more than a pipe holds.
    pub(super) fn pass_on_the_last(&mut self) {
        (0..AT_ONCE).find(|_| !self.read());
        self.write();
    }

    /// Reads some; false if there is nothing.
    fn read(&mut self) -> bool {
        let mut bytes = [0; SOME];
        match (&*self.pipe).read(&mut bytes) {
            Ok(0) => self.is_over = true,
            Ok(len) => {
                self.waiting.extend(&bytes[..len]);
                self.last.extend(&bytes[..len]);
                let surplus = self.last.len().saturating_sub(KEPT);
                self.last.drain(..surplus);
                return true;
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => self.is_over = true,
        }
        false
    }

    /// Writes as much of what waits as is taken at once.
    fn write(&mut self) {
        let mut written = 0;
        for some in self.waiting.chunks(SOME) {
            if !wait::is_writable(&io::stderr()) {
                break;
            }
            // that nobody can read it is not the worker's affair
            let _ = wait::write_all(&io::stderr(), some);
            written += some.len();
        }
        self.waiting.drain(..written);
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

/// However its worker ended, what it had written is passed on.
impl Drop for Tail {
    fn drop(&mut self) {
        self.pass_on_the_last();
    }
}

/// A part of a [`Tail`] that can be waited for without it.
pub(super) struct Source(Arc<PipeReader>);

impl AsFd for Source {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
