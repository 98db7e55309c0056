//! Connections: messages between two processes, typed or not, with descriptors.
//!
//! A [`Connection`] is one end of a stream; [`end`] is it without its types. [`frame`] says how messages lie in it, [`inbox`] reads them,
//! [`outbox`] writes them, [`handle`] lets an end travel to another process, [`raw`] is for what in this crate
//! has messages of its own.

mod direction;
mod end;
mod error;
pub mod fd;
mod frame;
mod handle;
mod inbox;
mod outbox;
mod pipe;
mod raw;

use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, TryLockError};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use direction::{Never, Receives, Sends, Untyped};
use end::{End, flag};
pub use error::{RecvError, SendError};
pub use fd::Fd;
use inbox::{Inbox, Message};
use outbox::Patience;
pub use pipe::{PipeBuilder, pipe};

use crate::codec::{Reader, Writer};
use crate::memory;
use crate::sys::wait;
use crate::task::Deadline;

/// One end of a [`pipe`]: sends values of type `Tx` to the other end, and receives values of type `Rx` from it.
///
/// [`Untyped`], which both are where nothing is said, is any type that serde knows; to receive another type than was
/// sent is an error where the bytes cannot be one, and another value where they can. [`Never`] is none: such an end only receives, or only sends; see [`Sender`]
/// and [`Receiver`].
///
/// A connection can be the argument of a process, a field of one, and a field of a message on another
/// connection. What had been read ahead goes with it. Where two processes hold the same end, they must agree on
/// who may use it: two that send at once garble each other's messages if they are large, and two that receive
/// take parts of messages. Threads of one process may share an end; each message then is sent and received whole.
///
/// Calls block unless the end is [non-blocking](Self::set_nonblocking). When the process at the other end dies, however
/// it does, its end is closed: [`recv`](Self::recv) gives what it had sent, then [`RecvError::EndOfFile`]. That is also
/// what a process leaves that has done its work, so look at its exit status before you take what came for all. And
/// receive before you join it: a process that sends more than the pipe holds (some hundred KiB) waits until it is received.
///
/// In a task of a pool, calls that would wait past its [soft time limit](mod@crate::task#soft-time-limits) return an error that says so. What
/// had come of a message is kept for the next call, and so is what had not gone out of one.
///
/// On the stream a message is its length and its bytes, as Python's `multiprocessing.connection` has them, so
/// that [`send_bytes`](Self::send_bytes) and [`recv_bytes`](Self::recv_bytes) work with a Python process at the
/// other end.
///
/// ```standalone_crate
/// use carom::{Connection, Process, pipe};
///
/// #[carom::task]
/// fn serve(requests: Connection<u64, (u64, u64)>) {
///     for request in requests.iter() {
///         let (a, b) = request.expect("a request");
///         requests.send(&(a * b)).expect("send");
///     }
/// }
///
/// #[carom::main]
/// fn main() -> carom::Result<()> {
///     let (client, server) = pipe()?;
///     let process = Process::spawn(serve, server)?;
///     client.send(&(6, 7))?;
///     assert_eq!(client.recv()?, 42);
///     client.close(); // the server finds the end of its requests
///     process.join()?.exit_ok()?;
///     Ok(())
/// }
/// ```
pub struct Connection<Tx = Untyped, Rx = Untyped> {
    end: Arc<End>,
    types: PhantomData<fn(Tx) -> Rx>,
}

/// An end that only sends.
pub type Sender<T> = Connection<T, Never>;

/// An end that only receives.
pub type Receiver<T> = Connection<Never, T>;

impl<Tx, Rx> Connection<Tx, Rx> {
    fn of(end: End) -> Self {
        Self { end: Arc::new(end), types: PhantomData }
    }

    /// Sends a value; blocks while the other end has too much to receive.
    ///
    /// # Errors
    /// If the value refuses to be encoded, or the other end is closed; in a task of a pool, if its soft time limit passes before there
    /// is room. No part of the message is ever taken for another one.
    pub fn send<T: Serialize + ?Sized>(&self, value: &T) -> Result<(), SendError>
    where
        Tx: Sends<T>,
    {
        self.end.check_writable()?;
        let buffer = self.end.outbox_in_time()?.take_buffer();
        let mut writer = Writer::carrying(buffer, false);
        let written = writer.write(value);
        let (bytes, outgoing) = writer.into_parts();
        let fds = outgoing.as_ref().map_or(&[][..], |outgoing| outgoing.fds());
        let sent = self.end.send(|outbox| {
            let sent = written
                .map_err(|source| SendError::Encode { source })
                .and_then(|()| outbox.send(self.end.socket.as_fd(), &bytes, fds, self.end.patience()));
            outbox.give_back(bytes);
            sent
        });
        let counts_as_sent = matches!(sent, Ok(()) | Err(SendError::SoftTimeLimitExceeded { begun: true, .. }));
        if let Some(outgoing) = outgoing.filter(|_| counts_as_sent) {
            let carried = !outgoing.fds().is_empty();
            outgoing.sent();
            if carried {
                memory::sent();
            }
        }
        sent
    }

    /// Receives a value; blocks until it is there.
    ///
    /// # Errors
    /// [`RecvError::EndOfFile`] when the other end is closed and all it sent has been received;
    /// [`RecvError::Truncated`] when it closed in the midst of a message; [`RecvError::Decode`] when the message
    /// is something else; [`RecvError::SoftTimeLimitExceeded`] when the soft time limit of the task that receives passes before the
    /// message is there, which can be received later.
    pub fn recv<T: DeserializeOwned>(&self) -> Result<T, RecvError>
    where
        Rx: Receives<T>,
    {
        let Message { bytes, fds } = self.end.receive(Inbox::receive)?;
        // outside of the lock, because it may be long, or receive something itself
        match Reader::carrying(&bytes, fds).read_all() {
            Ok(value) => {
                self.end.give_back(bytes);
                Ok(value)
            }
            Err(source) => Err(RecvError::Decode { source, message: bytes }),
        }
    }

    /// Sends bytes as they are, for [`recv_bytes`](Self::recv_bytes). To send a part, pass a part:
    /// `send_bytes(&buffer[offset..offset + size])`. A message may be empty.
    ///
    /// # Errors
    /// If the other end is closed, or the soft time limit passes; see [`send`](Self::send).
    pub fn send_bytes(&self, bytes: &[u8]) -> Result<(), SendError>
    where
        Tx: direction::Sending,
    {
        self.end.check_writable()?;
        self.end.send(|outbox| outbox.send(self.end.socket.as_fd(), bytes, &[], self.end.patience()))
    }

    /// Receives one message as bytes, of at most `maxlength` if that is given; blocks until it is there.
    /// Descriptors that came with it are closed.
    ///
    /// # Errors
    /// As [`recv`](Self::recv); and [`RecvError::TooLong`], after which the end is closed for receiving, since
    /// the message is still in the way.
    pub fn recv_bytes(&self, maxlength: Option<usize>) -> Result<Vec<u8>, RecvError>
    where
        Rx: direction::Receiving,
    {
        self.end.receive(|inbox, mode| {
            if let Some(limit) = maxlength {
                let length = inbox.next_length(mode)?;
                if length > limit as u64 {
                    return Err(RecvError::TooLong { length, limit });
                }
            }
            inbox.receive_bytes(mode)
        })
    }

    /// Receives one message as bytes into `buffer` and returns its length; blocks until it is there. To leave
    /// room before it, pass a part: `recv_bytes_into(&mut buffer[offset..])`.
    ///
    /// # Errors
    /// As [`recv`](Self::recv); and [`RecvError::BufferTooShort`], which holds the whole message.
    pub fn recv_bytes_into(&self, buffer: &mut [u8]) -> Result<usize, RecvError>
    where
        Rx: direction::Receiving,
    {
        self.end.receive(|inbox, mode| {
            if inbox.next_length(mode)? <= buffer.len() as u64 {
                return inbox.receive_into(mode, buffer);
            }
            Err(RecvError::BufferTooShort { message: inbox.receive_bytes(mode)? })
        })
    }

    /// The values that come, until the other end is closed. Other errors are items.
    pub fn iter<T: DeserializeOwned>(&self) -> impl Iterator<Item = Result<T, RecvError>>
    where
        Rx: Receives<T>,
    {
        std::iter::from_fn(|| item(self.recv()))
    }

    /// Waits, at most for `timeout`, until receiving would not block: a whole message is there, or the other end
    /// is closed, or there is an error to be told. `Duration::ZERO` does not wait, `Duration::MAX` waits for ever.
    ///
    /// What has been read ahead counts. So use this, and not the descriptor alone, to find out whether a message
    /// is there; before waiting for the descriptor in an event loop, receive until nothing is there. On an end that
    /// another process holds too nothing is read ahead, here neither, and a part of a message counts.
    ///
    /// # Errors
    /// If the system cannot wait. Of the kind [`TimedOut`](io::ErrorKind::TimedOut), with
    /// [`SoftTimeLimitExceeded`](crate::task::SoftTimeLimitExceeded) in it, if the soft time limit of the task that waits comes before
    /// the end of `timeout`, and passes.
    pub fn poll(&self, timeout: Duration) -> io::Result<bool>
    where
        Rx: direction::Receiving,
    {
        let deadline = Deadline::after(timeout);
        loop {
            let mut inbox = match self.end.inbox.try_lock() {
                Ok(inbox) => inbox,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                // another thread is receiving: what comes may be for this one
                Err(TryLockError::WouldBlock) => return self.wait_readable(deadline),
            };
            if !self.readable() {
                return Ok(true);
            }
            if self.end.has(flag::SHARED) {
                let begun = inbox.has_begun();
                drop(inbox);
                return Ok(begun || self.wait_readable(deadline)?);
            }
            if inbox.ready(self.end.mode()) {
                return Ok(true);
            }
            drop(inbox);
            if !self.wait_readable(deadline)? {
                return Ok(false);
            }
        }
    }

    fn wait_readable(&self, deadline: Deadline) -> io::Result<bool> {
        let readable = wait::readable(&self.end.socket, deadline.instant())?;
        if !readable {
            deadline.check().map_err(|exceeded| io::Error::new(io::ErrorKind::TimedOut, exceeded))?;
        }
        Ok(readable)
    }

    /// Makes calls return an error where they would block: [`SendError::WouldBlock`], [`RecvError::WouldBlock`].
    /// A message that has come in part is kept until the rest comes. The rest of one that went out in part is kept
    /// too, and goes out with the next one or by [`flush`](Self::flush): call that before you close the end, or the
    /// other one finds the message cut off.
    pub fn set_nonblocking(&self, nonblocking: bool) {
        self.end.set(flag::NONBLOCKING, nonblocking);
    }

    /// Sends what is left of a message that a non-blocking end, or one whose task came to its soft time limit, could send in part only;
    /// blocks.
    ///
    /// # Errors
    /// If the other end is closed, or the soft time limit passes; then what is left stays.
    pub fn flush(&self) -> Result<(), SendError> {
        self.end.send(|outbox| outbox.flush(self.end.socket.as_fd(), Patience::Endless))
    }

    /// Whether this end can receive: it was made to, and nothing has come that is in the way.
    pub fn readable(&self) -> bool {
        self.end.has(flag::READABLE)
    }

    /// Whether this end can send: it was made to, and the other end was not found closed.
    pub fn writable(&self) -> bool {
        self.end.has(flag::WRITABLE)
    }

    /// Whether this end can do neither.
    pub fn closed(&self) -> bool {
        !self.readable() && !self.writable()
    }

    /// Closes this end, as dropping it does. The other end receives what was sent, then finds the end. It does not
    /// wait; a non-blocking end must be [flushed](Self::flush) before.
    pub fn close(self) {}
}

impl<'c, Tx, Rx: DeserializeOwned> IntoIterator for &'c Connection<Tx, Rx> {
    type Item = Result<Rx, RecvError>;
    type IntoIter = Iter<'c, Tx, Rx>;

    fn into_iter(self) -> Self::IntoIter {
        Iter(self)
    }
}

/// The values that come on a typed connection; see [`Connection::iter`].
#[derive(Debug)]
pub struct Iter<'c, Tx, Rx>(&'c Connection<Tx, Rx>);

impl<Tx, Rx: DeserializeOwned> Iterator for Iter<'_, Tx, Rx> {
    type Item = Result<Rx, RecvError>;

    fn next(&mut self) -> Option<Self::Item> {
        item(self.0.recv())
    }
}

/// What is received, but for the end.
fn item<T>(received: Result<T, RecvError>) -> Option<Result<T, RecvError>> {
    match received {
        Err(RecvError::EndOfFile | RecvError::NotReadable) => None,
        received => Some(received),
    }
}

/// The descriptor, for event loops; see [`poll`](Connection::poll).
impl<Tx, Rx> AsFd for Connection<Tx, Rx> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.end.socket.as_fd()
    }
}

/// Messages over a stream socket that something else has connected.
impl<Tx, Rx> From<UnixStream> for Connection<Tx, Rx> {
    fn from(stream: UnixStream) -> Self {
        Self::of(End::new(stream.into(), flag::READABLE | flag::WRITABLE, Inbox::default()))
    }
}

impl<Tx, Rx> fmt::Debug for Connection<Tx, Rx> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (fd, readable, writable) = (&self.end.socket, self.readable(), self.writable());
        f.debug_struct("Connection").field("fd", fd).field("readable", &readable).field("writable", &writable).finish()
    }
}
