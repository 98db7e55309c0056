//! What travels beside the bytes of a message: descriptors.
//!
//! serde gives no way from a value to the message that it is written to, so the message lies in a variable of
//! the thread while its values are written or read. Outside of one, there is nothing, and serialising a
//! descriptor is an error that says where it may go.

use std::cell::RefCell;
use std::fmt::Display;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use crate::sys::memory_file::Identity;

/// The most descriptors that one message carries: what the kernel allows, less some for carom's own.
pub(crate) const MOST: usize = 250;

thread_local! {
    static OUTGOING: RefCell<Option<Outgoing>> = const { RefCell::new(None) };
    static INCOMING: RefCell<Option<Incoming>> = const { RefCell::new(None) };
}

/// What goes with the bytes that are being written.
pub(crate) struct Outgoing {
    fds: Vec<OwnedFd>,
    /// Which of them were opened for this message, and of which files.
    opened: Vec<(Identity, u32)>,
    /// The input is given up by its owner, as the arguments of a process are.
    by_value: bool,
    /// What takes back what values gave up, unless the message is sent.
    undo: Vec<Box<dyn FnOnce()>>,
}

impl Outgoing {
    pub(crate) fn new(by_value: bool) -> Self {
        Self { fds: Vec::new(), opened: Vec::new(), by_value, undo: Vec::new() }
    }

    pub(crate) fn fds(&self) -> &[OwnedFd] {
        &self.fds
    }

    /// Takes back those after the first `count`.
    pub(crate) fn truncate(&mut self, count: usize) {
        self.fds.truncate(count);
        self.opened.retain(|(_, number)| (*number as usize) < count);
    }

    /// Takes the descriptors out, to be sent later; what values gave up is gone.
    pub(crate) fn into_fds(mut self) -> Vec<OwnedFd> {
        self.undo.clear();
        std::mem::take(&mut self.fds)
    }

    /// The message was sent: what values gave up is gone.
    pub(crate) fn sent(mut self) {
        self.undo.clear();
    }
}

impl Outgoing {
    fn push<E: serde::ser::Error>(&mut self, open: impl FnOnce() -> io::Result<OwnedFd>) -> Result<u32, E> {
        if self.fds.len() == MOST {
            return Err(E::custom(format_args!("it has more than {MOST} descriptors, which no message can carry")));
        }
        let fd = open().map_err(|error| E::custom(format_args!("a descriptor cannot be duplicated: {error}")))?;
        self.fds.push(fd);
        Ok(self.fds.len() as u32 - 1)
    }
}

impl Drop for Outgoing {
    fn drop(&mut self) {
        self.undo.drain(..).rev().for_each(|undo| undo());
    }
}

/// What came with the bytes that are being read; each can be taken once, and what is not taken is closed.
pub(crate) struct Incoming(Vec<Option<OwnedFd>>);

impl Incoming {
    pub(crate) fn new(fds: Vec<OwnedFd>) -> Self {
        Self(fds.into_iter().map(Some).collect())
    }
}

/// Lets `call` write values that take `outgoing` along.
pub(super) fn writing<T>(outgoing: &mut Option<Outgoing>, call: impl FnOnce() -> T) -> T {
    let _swapped = Swapped::new(&OUTGOING, outgoing);
    call()
}

/// Lets `call` read values that take from `incoming`.
pub(super) fn reading<T>(incoming: &mut Option<Incoming>, call: impl FnOnce() -> T) -> T {
    let _swapped = Swapped::new(&INCOMING, incoming);
    call()
}

/// The thread's variable holds the value of `other`, and the other way round, until this is dropped. A message
/// may be written while another one is.
struct Swapped<'a, T: 'static> {
    place: &'static std::thread::LocalKey<RefCell<T>>,
    other: &'a mut T,
}

impl<'a, T> Swapped<'a, T> {
    fn new(place: &'static std::thread::LocalKey<RefCell<T>>, other: &'a mut T) -> Self {
        place.with_borrow_mut(|current| std::mem::swap(current, other));
        Self { place, other }
    }
}

impl<T> Drop for Swapped<'_, T> {
    fn drop(&mut self) {
        self.place.with_borrow_mut(|current| std::mem::swap(current, self.other));
    }
}

/// Whether the value that is being written is given up by its owner.
pub(crate) fn by_value() -> bool {
    OUTGOING.with_borrow(|current| current.as_ref().is_some_and(|outgoing| outgoing.by_value))
}

/// Makes a duplicate of `fd` travel with the value that is being written; its number in the message.
pub(crate) fn give<E: serde::ser::Error>(what: impl Display, fd: impl AsFd) -> Result<u32, E> {
    OUTGOING.with_borrow_mut(|current| {
        let outgoing = current.as_mut().ok_or_else(|| E::custom(not_here(what)))?;
        outgoing.push(|| fd.as_fd().try_clone_to_owned())
    })
}

/// Makes an open file travel with the value that is being written, which is made by `open` unless one of this identity
/// travels already; in any case `mark` gets to see it. Its number in the message.
pub(crate) fn give_opened<E: serde::ser::Error>(
    what: impl Display,
    identity: Identity,
    open: impl FnOnce() -> io::Result<OwnedFd>,
    mark: impl FnOnce(BorrowedFd<'_>) -> io::Result<()>,
) -> Result<u32, E> {
    OUTGOING.with_borrow_mut(|current| {
        let outgoing = current.as_mut().ok_or_else(|| E::custom(not_here(what)))?;
        let number = match outgoing.opened.iter().find(|(opened, _)| *opened == identity) {
            Some((_, number)) => *number,
            None => {
                let number = outgoing.push(open)?;
                outgoing.opened.push((identity, number));
                number
            }
        };
        mark(outgoing.fds[number as usize].as_fd()).map_err(E::custom)?;
        Ok(number)
    })
}

/// Has `undo` called if the message that is being written is not sent.
pub(crate) fn unless_sent(undo: impl FnOnce() + 'static) {
    OUTGOING.with_borrow_mut(|current| {
        if let Some(outgoing) = current {
            outgoing.undo.push(Box::new(undo));
        }
    });
}

fn not_here(what: impl Display) -> String {
    format!(
        "{what} can go to another process only as an argument of a process or of a task in a pool, as what such a \
         task returns, or in a message of a `Connection`"
    )
}

/// Takes the descriptor of this number that came with the value that is being read.
pub(crate) fn take<E: serde::de::Error>(number: u32) -> Result<OwnedFd, E> {
    INCOMING.with_borrow_mut(|current| {
        let place = current.as_mut().and_then(|incoming| incoming.0.get_mut(number as usize));
        place.and_then(Option::take).ok_or_else(|| E::custom(DID_NOT_COME))
    })
}

/// Lets `call` look at the descriptor of this number, which stays open until the message has been read.
pub(crate) fn with_taken<T, E: serde::de::Error>(number: u32, call: impl FnOnce(BorrowedFd<'_>) -> T) -> Result<T, E> {
    INCOMING.with_borrow(|current| {
        let fd = current.as_ref().and_then(|incoming| incoming.0.get(number as usize)?.as_ref());
        Ok(call(fd.ok_or_else(|| E::custom(DID_NOT_COME))?.as_fd()))
    })
}

const DID_NOT_COME: &str = "they name a descriptor that did not come with them";
