//! Bytes with descriptors, for what in this crate has messages of its own.

use std::os::fd::{AsFd, OwnedFd};

use super::inbox::{Message, Mode, Whole};
use super::outbox::Patience;
use super::{Connection, RecvError, SendError};

impl Connection {
    /// Sends a message; calls `wait` where there is no room, until there is or it returns an error.
    pub(crate) fn send_message(
        &self,
        bytes: &[u8],
        fds: &[OwnedFd],
        wait: &dyn Fn() -> Result<(), SendError>,
    ) -> Result<(), SendError> {
        self.end.outbox().send(self.end.socket.as_fd(), bytes, fds, Patience::Until(wait))
    }

    /// Receives a message if it is there.
    pub(crate) fn try_receive_message(&self) -> Result<(Vec<u8>, Vec<OwnedFd>), RecvError> {
        self.end.receive(|inbox, mode| {
            let Message { body, fds } = inbox.receive(Mode { wait: false, ..mode })?;
            Ok(match body {
                Whole::Ahead(range) => (inbox.bytes(range).to_vec(), fds),
                Whole::Own(bytes) => (bytes, fds),
            })
        })
    }

    /// Receives a message, waits for it, and lets `call` look at it.
    pub(crate) fn receive_message<T>(&self, call: impl FnOnce(&[u8], Vec<OwnedFd>) -> T) -> Result<T, RecvError> {
        self.end.receive(|inbox, mode| {
            let Message { body, fds } = inbox.receive(mode)?;
            let value = match &body {
                Whole::Ahead(range) => call(inbox.bytes(range.clone()), fds),
                Whole::Own(bytes) => call(bytes, fds),
            };
            inbox.give_back(body);
            Ok(value)
        })
    }

    /// Whether a message has been read that was not given out.
    pub(crate) fn has_message(&self) -> bool {
        self.end.inbox().has_whole()
    }
}
