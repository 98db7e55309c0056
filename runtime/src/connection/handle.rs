//! A connection as a part of a message.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Connection;
use super::end::{End, flag};
use super::inbox::{Inbox, Taken};
use crate::codec::transfer;

/// What of an end travels; descriptors by their numbers in the message.
#[derive(Serialize, Deserialize)]
struct Wire {
    socket: u32,
    flags: u8,
    /// What had been read ahead, and the descriptors that had come with it.
    ahead: Vec<u8>,
    fds: Vec<u32>,
    fds_lost: bool,
}

/// The end goes to the other process together with what has been read ahead. Unless it is given up by this
/// process, as the arguments of a process are, both hold it from then on and read nothing ahead.
impl<Tx, Rx> Serialize for Connection<Tx, Rx> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.end.outbox_in_time().map_err(serde::ser::Error::custom)?.has_rest() {
            let reason = "it has a `Connection` of which a message went out in part only; call its `flush` before";
            return Err(serde::ser::Error::custom(reason));
        }
        // a thread that receives holds the lock until something comes
        let Ok(mut inbox) = self.end.inbox.try_lock() else {
            return Err(serde::ser::Error::custom("it has a `Connection` on which another thread is receiving"));
        };
        let socket = transfer::give("a `Connection`", &self.end.socket)?;
        if !transfer::by_value() {
            self.end.set(flag::SHARED, true);
        }
        let taken = inbox.take_all();
        let fds = taken.fds.iter().map(|fd| transfer::give("a `Connection`", fd)).collect::<Result<Vec<_>, S::Error>>();
        let flags = self.end.flags.load(std::sync::atomic::Ordering::Relaxed);
        let (ahead, fds_lost) = (taken.bytes.clone(), taken.fds_lost);
        let end = Arc::clone(&self.end);
        // before anything can fail
        transfer::unless_sent(move || end.inbox().put_back(taken));
        Wire { socket, flags, ahead, fds: fds?, fds_lost }.serialize(serializer)
    }
}

impl<'de, Tx, Rx> Deserialize<'de> for Connection<Tx, Rx> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Wire { socket, flags, ahead: bytes, fds, fds_lost } = Wire::deserialize(deserializer)?;
        let socket = transfer::take(socket)?;
        let fds = fds.into_iter().map(transfer::take).collect::<Result<_, _>>()?;
        Ok(Self::of(End::new(socket, flags, Inbox::holding(Taken { bytes, fds, fds_lost }))))
    }
}
