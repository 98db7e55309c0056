//! The sending half of a connection.
//!
//! A message goes out whole, or not at all, or is cut off for good: the other end never takes a part of one for
//! another. Where the connection does not block, or is ended by a time limit, and the system takes a part only, the rest is kept and
//! goes out before the next message.

use std::io::{self, IoSlice};
use std::os::fd::{BorrowedFd, OwnedFd};

use super::error::SendError;
use super::frame::Header;
use crate::sys::socket;
use crate::sys::wait;
use crate::task::{SoftTimeLimitExceeded, soft_deadline};

/// A buffer that has grown beyond this is not kept.
const KEPT: usize = 4 << 20;

/// A frame up to this length is put together before it is sent.
const SMALL: usize = 256;

/// What to do where the system has no room.
#[derive(Clone, Copy)]
pub(super) enum Patience<'a> {
    /// Nothing: what was not taken is kept, or the message is refused.
    None,
    /// Wait, but not past the soft time limit of the task's call that this thread runs.
    Endless,
    /// Wait as this does, which gives up by an error.
    Until(&'a dyn Fn() -> Result<(), SendError>),
}

#[derive(Default)]
pub(super) struct Outbox {
    /// What the system has not taken yet of a message that was accepted, from `begin` on.
    rest: Vec<u8>,
    begin: usize,
    /// For messages that are encoded; it keeps its memory.
    buffer: Vec<u8>,
    /// A message was cut off, so that no other may follow it.
    pub(super) cut_off: bool,
}

impl Outbox {
    pub(super) fn take_buffer(&mut self) -> Vec<u8> {
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        buffer
    }

    pub(super) fn give_back(&mut self, buffer: Vec<u8>) {
        if buffer.capacity() <= KEPT {
            self.buffer = buffer;
        }
    }

    pub(super) fn has_rest(&self) -> bool {
        !self.rest.is_empty()
    }

    /// Sends what is left of earlier messages.
    pub(super) fn flush(&mut self, socket: BorrowedFd<'_>, patience: Patience<'_>) -> Result<(), SendError> {
        while self.begin < self.rest.len() {
            let sent = send(socket, &[IoSlice::new(&self.rest[self.begin..])], &[], patience);
            self.cut_off |= matches!(sent, Err(SendError::Io(_)));
            self.begin += sent?;
        }
        if self.begin > 0 {
            (self.rest, self.begin) = (Vec::new(), 0);
        }
        Ok(())
    }

    /// Sends one message.
    pub(super) fn send(
        &mut self,
        socket: BorrowedFd<'_>,
        body: &[u8],
        fds: &[OwnedFd],
        patience: Patience<'_>,
    ) -> Result<(), SendError> {
        self.flush(socket, patience)?;
        let header = Header { length: body.len() as u64, fds: fds.len() as u16 };
        let (head, used) = header.bytes();
        let head = &head[..used];
        // the first part takes the descriptors along
        let mut sent = if used + body.len() <= SMALL {
            let mut frame = [0; SMALL];
            frame[..used].copy_from_slice(head);
            frame[used..used + body.len()].copy_from_slice(body);
            send(socket, &[IoSlice::new(&frame[..used + body.len()])], fds, patience)?
        } else {
            send(socket, &[IoSlice::new(head), IoSlice::new(body)], fds, patience)?
        };
        while sent < head.len() + body.len() {
            let head = &head[sent.min(head.len())..];
            let body = &body[sent.saturating_sub(used)..];
            match send(socket, &[IoSlice::new(head), IoSlice::new(body)], &[], patience) {
                Ok(more) => sent += more,
                Err(SendError::WouldBlock) => {
                    self.keep(head, body);
                    return Ok(());
                }
                Err(SendError::SoftTimeLimitExceeded { source, .. }) => {
                    self.keep(head, body);
                    return Err(SendError::SoftTimeLimitExceeded { begun: true, source });
                }
                Err(error) => {
                    self.cut_off = true;
                    return Err(error);
                }
            }
        }
        Ok(())
    }
}

impl Outbox {
    /// Keeps what is left of a message.
    fn keep(&mut self, head: &[u8], body: &[u8]) {
        self.rest.extend_from_slice(head);
        self.rest.extend_from_slice(body);
    }
}

fn send(
    socket: BorrowedFd<'_>,
    parts: &[IoSlice<'_>],
    fds: &[OwnedFd],
    patience: Patience<'_>,
) -> Result<usize, SendError> {
    // the system would not wait until a time
    let limit = if matches!(patience, Patience::Endless) { soft_deadline() } else { None };
    loop {
        return match socket::send(socket, parts, fds, matches!(patience, Patience::Endless) && limit.is_none()) {
            Ok(taken) => Ok(taken),
            Err(error) => match error.kind() {
                io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => Err(SendError::Disconnected),
                io::ErrorKind::WouldBlock => match patience {
                    Patience::None => Err(SendError::WouldBlock),
                    // or somebody has made the description of this socket non-blocking
                    Patience::Endless => match wait::writable_until(&socket, limit) {
                        Ok(true) => continue,
                        Ok(false) => Err(SoftTimeLimitExceeded::new().into()),
                        Err(error) => Err(SendError::Io(error)),
                    },
                    Patience::Until(wait) => match wait() {
                        Ok(()) => continue,
                        Err(error) => Err(error),
                    },
                },
                _ => Err(SendError::Io(error)),
            },
        };
    }
}
