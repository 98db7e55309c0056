//! What a connection is without its types: the socket, what it may do, and the two halves.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use super::error::{RecvError, SendError};
use super::inbox::{Inbox, Mode};
use super::outbox::{Outbox, Patience};
use crate::sys::socket::{self, Direction};
use crate::task::{self, SoftTimeLimitExceeded};

/// What a connection is without its types.
pub(super) struct End {
    pub(super) socket: OwnedFd,
    pub(super) flags: AtomicU8,
    pub(super) inbox: Mutex<Inbox>,
    outbox: Mutex<Outbox>,
}

/// The flags of an end.
pub(super) mod flag {
    pub(in super::super) const READABLE: u8 = 1;
    pub(in super::super) const WRITABLE: u8 = 2;
    pub(in super::super) const NONBLOCKING: u8 = 4;
    /// Another process holds it too, so that nothing may be read ahead.
    pub(in super::super) const SHARED: u8 = 8;
    /// The other end has been found closed.
    pub(in super::super) const DISCONNECTED: u8 = 16;
}

impl End {
    pub(super) fn new(socket: OwnedFd, flags: u8, inbox: Inbox) -> Self {
        Self { socket, flags: AtomicU8::new(flags), inbox: Mutex::new(inbox), outbox: Mutex::default() }
    }

    pub(super) fn has(&self, flag: u8) -> bool {
        self.flags.load(Ordering::Relaxed) & flag != 0
    }

    pub(super) fn set(&self, flag: u8, on: bool) {
        if on {
            self.flags.fetch_or(flag, Ordering::Relaxed);
        } else {
            self.flags.fetch_and(!flag, Ordering::Relaxed);
        }
    }

    pub(super) fn waits(&self) -> bool {
        !self.has(flag::NONBLOCKING)
    }

    pub(super) fn patience(&self) -> Patience<'static> {
        if self.waits() { Patience::Endless } else { Patience::None }
    }

    pub(super) fn mode(&self) -> Mode<'_> {
        Mode { socket: self.socket.as_fd(), wait: self.waits(), read_ahead: !self.has(flag::SHARED) }
    }

    pub(super) fn outbox(&self) -> MutexGuard<'_, Outbox> {
        // nothing under the lock calls into code that is not ours
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same, but does not wait past the soft time limit of the task's call for another thread that sends.
    pub(super) fn outbox_in_time(&self) -> Result<MutexGuard<'_, Outbox>, SoftTimeLimitExceeded> {
        in_time(&self.outbox)
    }

    pub(super) fn inbox(&self) -> MutexGuard<'_, Inbox> {
        // nothing under the lock calls into code that is not ours
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes back the buffer of a message, unless another thread is receiving and may do so for long.
    pub(super) fn give_back(&self, bytes: Vec<u8>) {
        if let Ok(mut inbox) = self.inbox.try_lock() {
            inbox.give_back(bytes);
        }
    }

    pub(super) fn check_writable(&self) -> Result<(), SendError> {
        match self.has(flag::WRITABLE) {
            true => Ok(()),
            false if self.has(flag::DISCONNECTED) => Err(SendError::Disconnected),
            false => Err(SendError::NotWritable),
        }
    }

    /// Uses the outbox, and notes what cannot be done any more.
    pub(super) fn send(&self, call: impl FnOnce(&mut Outbox) -> Result<(), SendError>) -> Result<(), SendError> {
        let mut outbox = self.outbox_in_time()?;
        let result = call(&mut outbox);
        if matches!(result, Err(SendError::Disconnected)) {
            self.set(flag::DISCONNECTED, true);
            self.set(flag::WRITABLE, false);
        } else if outbox.cut_off {
            self.set(flag::WRITABLE, false);
            // if even that fails, the other end sees it when this one is dropped
            let _ = socket::end(self.socket.as_fd(), Direction::Sending);
        }
        result
    }

    /// Receives under the lock; after an error that leaves something in the way, nothing more.
    pub(super) fn receive<T>(
        &self,
        call: impl FnOnce(&mut Inbox, Mode<'_>) -> Result<T, RecvError>,
    ) -> Result<T, RecvError> {
        let mut inbox = in_time(&self.inbox)?;
        if !self.has(flag::READABLE) {
            return Err(RecvError::NotReadable);
        }
        let result = call(&mut inbox, self.mode());
        if let Err(RecvError::TooLong { .. } | RecvError::Invalid | RecvError::NoMemory { .. }) = result {
            self.set(flag::READABLE, false);
            *inbox = Inbox::default();
            // so that the other end, which might wait for room for ever, finds it closed
            let _ = socket::end(self.socket.as_fd(), Direction::Receiving);
        }
        result
    }
}

/// How often a thread with a time limit looks whether another one is done, because std's mutex cannot be waited for until a time.
const LOOK: Duration = Duration::from_millis(2);

/// Locks what another thread may hold for as long as it waits for the other end.
fn in_time<T>(mutex: &Mutex<T>) -> Result<MutexGuard<'_, T>, SoftTimeLimitExceeded> {
    if task::soft_deadline().is_none() {
        return Ok(mutex.lock().unwrap_or_else(PoisonError::into_inner));
    }
    loop {
        match mutex.try_lock() {
            Ok(guard) => return Ok(guard),
            Err(TryLockError::Poisoned(poisoned)) => return Ok(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => task::sleep(LOOK)?,
        }
    }
}
