//! Making pipes.

use std::io;
use std::os::fd::AsFd;

use super::end::{End, flag};
use super::inbox::Inbox;
use super::{Connection, Receiver, Sender};
use crate::sys::socket::{self, Direction};

/// A pipe with two equal ends: what one sends, the other receives.
///
/// The types are known where an end becomes the argument of a task that tells them; otherwise `pipe::<Tx, Rx>()` tells
/// those that the first end sends and receives. The options of Python's `Pipe` are in [`PipeBuilder`].
///
/// # Errors
/// If the system has no more descriptors to give.
#[doc(alias = "Pipe")]
pub fn pipe<Tx, Rx>() -> io::Result<(Connection<Tx, Rx>, Connection<Rx, Tx>)> {
    PipeBuilder::new().duplex()
}

/// Options for a pipe.
///
/// ```
/// use carom::PipeBuilder;
///
/// let (receiver, sender) = PipeBuilder::new().rnonblock(true).one_way::<u8>()?;
/// assert!(matches!(receiver.recv(), Err(carom::RecvError::WouldBlock)));
/// sender.send(&7)?;
/// assert_eq!(receiver.recv()?, 7);
/// # Ok::<(), carom::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a builder does nothing until `duplex` or `one_way`"]
pub struct PipeBuilder {
    rnonblock: bool,
    wnonblock: bool,
}

impl PipeBuilder {
    /// A pipe both of whose ends block.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether the first end, which of a one-way pipe is the receiving one, is
    /// [non-blocking](Connection::set_nonblocking).
    pub fn rnonblock(mut self, nonblocking: bool) -> Self {
        self.rnonblock = nonblocking;
        self
    }

    /// Whether the second end, which of a one-way pipe is the sending one, is
    /// [non-blocking](Connection::set_nonblocking).
    pub fn wnonblock(mut self, nonblocking: bool) -> Self {
        self.wnonblock = nonblocking;
        self
    }

    /// Makes a pipe whose ends both send and receive.
    ///
    /// # Errors
    /// If the system has no more descriptors to give.
    pub fn duplex<Tx, Rx>(self) -> io::Result<(Connection<Tx, Rx>, Connection<Rx, Tx>)> {
        let (first, second) = self.ends(flag::READABLE | flag::WRITABLE, flag::READABLE | flag::WRITABLE)?;
        Ok((Connection::of(first), Connection::of(second)))
    }

    /// Makes a pipe whose first end only receives and whose second end only sends.
    ///
    /// # Errors
    /// If the system has no more descriptors to give.
    #[doc(alias = "duplex=False")]
    pub fn one_way<T>(self) -> io::Result<(Receiver<T>, Sender<T>)> {
        let (first, second) = self.ends(flag::READABLE, flag::WRITABLE)?;
        // so that strangers who are given an end cannot use it the other way either
        socket::end(first.socket.as_fd(), Direction::Sending)?;
        Ok((Connection::of(first), Connection::of(second)))
    }

    fn ends(&self, first: u8, second: u8) -> io::Result<(End, End)> {
        let (one, other) = socket::stream_pair()?;
        let nonblocking = |wanted| if wanted { flag::NONBLOCKING } else { 0 };
        let first = End::new(one, first | nonblocking(self.rnonblock), Inbox::default());
        Ok((first, End::new(other, second | nonblocking(self.wnonblock), Inbox::default())))
    }
}
