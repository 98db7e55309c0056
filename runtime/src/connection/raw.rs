//! Bytes with descriptors, for what in this crate has messages of its own.

use std::os::fd::{AsFd, OwnedFd};

use super::inbox::{Inbox, Message, Mode};
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
            let Message { bytes, fds } = inbox.receive(Mode { wait: false, ..mode })?;
            Ok((bytes, fds))
        })
    }

    /// Receives a message, waits for it, and lets `call` look at it.
    pub(crate) fn receive_message<T>(&self, call: impl FnOnce(&[u8], Vec<OwnedFd>) -> T) -> Result<T, RecvError> {
        let Message { bytes, fds } = self.end.receive(Inbox::receive)?;
        let value = call(&bytes, fds);
        self.end.give_back(bytes);
        Ok(value)
    }
}
