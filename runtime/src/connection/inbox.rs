//! The receiving half of a connection: what has been read and not given out yet.
//!
//! Small messages are read several at once into a buffer. A message that does not fit is gathered in a buffer
//! of its own, which grows as its bytes arrive and not by what its header claims. Descriptors queue in the
//! order of their messages. The kernel ends a read after the first bytes that descriptors came with, so that what is read ahead
//! never goes past the beginning of such a message.
//!
//! Where several processes hold this end, nothing is read ahead: reads are of exactly the bytes of one message.

use std::collections::VecDeque;
use std::io;
use std::ops::Range;
use std::os::fd::{BorrowedFd, OwnedFd};

use super::error::RecvError;
use super::frame::{Header, Parsed};
use crate::sys::socket::{self, MOST_FDS, Received};
use crate::sys::wait;
use crate::task::{SoftTimeLimitExceeded, soft_deadline};

/// How much is read ahead at most.
const AHEAD: usize = 8 << 10;

/// How much is read ahead behind a message that has a buffer of its own: the next one's header.
const AHEAD_OF_LARGE: usize = 16;

/// By how much the buffer of a message grows at first.
const GROWTH: usize = 1 << 20;

/// A buffer that has grown beyond this is not kept.
const KEPT: usize = 4 << 20;

/// How to read.
#[derive(Clone, Copy)]
pub(super) struct Mode<'a> {
    pub(super) socket: BorrowedFd<'a>,
    /// But not past the soft time limit of the task's call that this thread runs. Otherwise what cannot be read at once is
    /// `RecvError::WouldBlock`.
    pub(super) wait: bool,
    /// No other process holds this end.
    pub(super) read_ahead: bool,
}

#[derive(Default)]
pub(super) struct Inbox {
    /// Empty until it is first needed.
    ahead: Vec<u8>,
    /// What of it has not been given out.
    unread: Range<usize>,
    fds: VecDeque<OwnedFd>,
    /// Some descriptors of the queue's last message could not be opened.
    fds_lost: bool,
    gathered: Option<Gathered>,
    /// Memory for the next message that needs a buffer of its own: a fresh page costs more than its copy.
    spare: Vec<u8>,
}

/// What was read ahead, on its way to another inbox.
pub(super) struct Taken {
    /// As they came.
    pub(super) bytes: Vec<u8>,
    pub(super) fds: Vec<OwnedFd>,
    pub(super) fds_lost: bool,
}

/// A message in a buffer of its own.
struct Gathered {
    header: Header,
    body: Vec<u8>,
}

impl Gathered {
    fn missing(&self) -> u64 {
        self.header.length - self.body.len() as u64
    }
}

/// A whole message, and the descriptors that came with it.
pub(super) struct Message {
    pub(super) bytes: Vec<u8>,
    pub(super) fds: Vec<OwnedFd>,
}

impl Inbox {
    /// What is to be given out before anything that is read from here on.
    pub(super) fn holding(Taken { bytes, fds, fds_lost }: Taken) -> Self {
        let unread = 0..bytes.len();
        Self { ahead: bytes, unread, fds: fds.into(), fds_lost, ..Self::default() }
    }

    /// Takes out all that was read ahead.
    pub(super) fn take_all(&mut self) -> Taken {
        let Self { ahead, unread, fds, fds_lost, gathered, .. } = std::mem::take(self);
        let mut bytes = Vec::new();
        if let Some(Gathered { header, body }) = gathered {
            let (head, used) = header.bytes();
            bytes.extend_from_slice(&head[..used]);
            bytes.extend_from_slice(&body);
        }
        bytes.extend_from_slice(&ahead[unread]);
        Taken { bytes, fds: fds.into(), fds_lost }
    }

    /// Puts back what was taken out, before what has been read since.
    pub(super) fn put_back(&mut self, mut taken: Taken) {
        let since = self.take_all();
        taken.bytes.extend_from_slice(&since.bytes);
        taken.fds.extend(since.fds);
        taken.fds_lost |= since.fds_lost;
        *self = Self::holding(taken);
    }

    /// Takes back the buffer of a message that has been dealt with.
    pub(super) fn give_back(&mut self, bytes: Vec<u8>) {
        if (self.spare.capacity() + 1..=KEPT).contains(&bytes.capacity()) {
            self.spare = bytes;
        }
    }

    /// Whether a message is whole, so that the next `receive` does not read.
    pub(super) fn has_whole(&self) -> bool {
        match (&self.gathered, Header::parse(self.unread())) {
            (Some(gathered), _) => gathered.missing() == 0,
            (None, Parsed::Header(header, used)) => (self.unread.len() - used) as u64 >= header.length,
            (None, Parsed::Invalid) => true,
            (None, Parsed::Needs(_)) => false,
        }
    }

    /// Whether anything of a message has been read that was not given out.
    pub(super) fn has_begun(&self) -> bool {
        self.gathered.is_some() || !self.unread.is_empty()
    }

    fn unread(&self) -> &[u8] {
        &self.ahead[self.unread.clone()]
    }

    /// Reads what is there, without waiting; true if the next `receive` will not have to wait.
    pub(super) fn ready(&mut self, mode: Mode<'_>) -> bool {
        loop {
            if self.has_whole() {
                return true;
            }
            match self.read_more(Mode { wait: false, ..mode }) {
                Ok(()) => {}
                Err(RecvError::WouldBlock) => return false,
                // the next `receive` meets it again
                Err(_) => return true,
            }
        }
    }

    /// The next message, once it is whole.
    pub(super) fn receive(&mut self, mode: Mode<'_>) -> Result<Message, RecvError> {
        while !self.has_whole() {
            self.read_more(mode).map_err(|error| self.with_part(error))?;
        }
        let (header, bytes) = match self.gathered.take() {
            Some(Gathered { header, body }) => (header, body),
            None => match Header::parse(self.unread()) {
                Parsed::Header(header, used) => {
                    let start = self.unread.start + used;
                    self.unread.start = start + header.length as usize;
                    let mut bytes = std::mem::take(&mut self.spare);
                    bytes.clear();
                    bytes.extend_from_slice(&self.ahead[start..self.unread.start]);
                    (header, bytes)
                }
                _ => return Err(RecvError::Invalid),
            },
        };
        Ok(Message { bytes, fds: self.take_fds(header.fds)? })
    }

    /// The bytes of the next message, once it is whole, in memory that is not much more than they need.
    pub(super) fn receive_bytes(&mut self, mode: Mode<'_>) -> Result<Vec<u8>, RecvError> {
        let Message { bytes, .. } = self.receive(mode)?;
        if bytes.capacity() / 2 <= bytes.len() {
            return Ok(bytes);
        }
        let own = bytes.clone();
        self.give_back(bytes);
        Ok(own)
    }

    /// The length of the next message, as soon as its header is there.
    pub(super) fn next_length(&mut self, mode: Mode<'_>) -> Result<u64, RecvError> {
        loop {
            if let Some(gathered) = &self.gathered {
                return Ok(gathered.header.length);
            }
            match Header::parse(self.unread()) {
                Parsed::Header(header, _) => return Ok(header.length),
                Parsed::Invalid => return Err(RecvError::Invalid),
                Parsed::Needs(_) => self.read_more(mode).map_err(|error| self.with_part(error))?,
            }
        }
    }

    /// Receives the next message, of which the header is there, into `buffer`, which is large enough for it.
    /// Without waiting, only a message that is whole.
    pub(super) fn receive_into(&mut self, mode: Mode<'_>, buffer: &mut [u8]) -> Result<usize, RecvError> {
        let header = match Header::parse(self.unread()) {
            Parsed::Header(header, used) if mode.wait && self.gathered.is_none() => {
                self.unread.start += used;
                header
            }
            // what is gathered already, or may have to be left half-read, goes by way of the message's own buffer
            _ => {
                let Message { bytes, .. } = self.receive(mode)?;
                let length = bytes.len();
                buffer[..length].copy_from_slice(&bytes);
                self.give_back(bytes);
                return Ok(length);
            }
        };
        let length = header.length as usize;
        let there = self.unread.len().min(length);
        buffer[..there].copy_from_slice(&self.ahead[self.unread.start..self.unread.start + there]);
        self.unread.start += there;
        let mut done = there;
        while done < length {
            match self.read_into(mode, &mut buffer[done..length]) {
                Ok(more) => done += more,
                Err(error) => {
                    // what has arrived stays
                    let body = buffer[..done].to_vec();
                    self.gathered = Some(Gathered { header, body });
                    return Err(self.with_part(error));
                }
            }
        }
        self.take_fds(header.fds)?;
        Ok(length)
    }

    /// An end inside a message takes along what there is of the message.
    fn with_part(&mut self, error: RecvError) -> RecvError {
        match error {
            RecvError::EndOfFile => match self.gathered.take() {
                Some(Gathered { header, body }) => RecvError::Truncated { received: body, length: Some(header.length) },
                None if self.unread.is_empty() => RecvError::EndOfFile,
                None => {
                    self.unread = 0..0;
                    RecvError::Truncated { received: Vec::new(), length: None }
                }
            },
            other => other,
        }
    }

    /// The descriptors of the message that was just taken out.
    fn take_fds(&mut self, count: u16) -> Result<Vec<OwnedFd>, RecvError> {
        let count = usize::from(count);
        let all_there = self.fds.len() >= count;
        let fds = self.fds.drain(..count.min(self.fds.len())).collect();
        // the last that came are the ones that are not all there
        let lost = !all_there && self.fds_lost;
        if self.unread.is_empty() {
            // nobody can claim them any more
            self.fds.clear();
        }
        if lost || self.unread.is_empty() {
            self.fds_lost = false;
        }
        match (all_there, lost) {
            (true, _) => Ok(fds),
            (false, true) => Err(RecvError::DescriptorsLost),
            (false, false) => Err(RecvError::Invalid),
        }
    }

    /// Reads once, to where the next bytes belong.
    fn read_more(&mut self, mode: Mode<'_>) -> Result<(), RecvError> {
        self.check_fds()?;
        if self.gathered.is_none() {
            match Header::parse(self.unread()) {
                Parsed::Needs(length) => return self.read_ahead(mode, length),
                Parsed::Header(header, used) => self.gather(header, used)?,
                Parsed::Invalid => return Err(RecvError::Invalid),
            }
        }
        let Some(mut gathered) = self.gathered.take() else { return Ok(()) };
        let read = self.read_body(mode, &mut gathered);
        self.gathered = Some(gathered);
        read
    }

    /// Gives the next message, whose header is there, a buffer of its own.
    fn gather(&mut self, header: Header, used: usize) -> Result<(), RecvError> {
        if usize::from(header.fds) > MOST_FDS {
            return Err(RecvError::Invalid);
        }
        let start = self.unread.start + used;
        // it is not whole, so all that is there belongs to it
        let mut body = std::mem::take(&mut self.spare);
        body.clear();
        let first = header.length.min(GROWTH as u64) as usize;
        body.try_reserve(first).map_err(|_| RecvError::NoMemory { length: header.length })?;
        body.extend_from_slice(&self.ahead[start..self.unread.end]);
        self.unread = 0..0;
        self.gathered = Some(Gathered { header, body });
        Ok(())
    }

    fn read_body(&mut self, mode: Mode<'_>, gathered: &mut Gathered) -> Result<(), RecvError> {
        let missing = gathered.missing();
        if missing == 0 {
            return Ok(());
        }
        let Gathered { header, body } = gathered;
        if body.len() == body.capacity() {
            // as much again as has arrived, and never more than is to come
            let more = missing.min(body.len().max(GROWTH) as u64) as usize;
            body.try_reserve_exact(more).map_err(|_| RecvError::NoMemory { length: header.length })?;
        }
        let most = usize::try_from(missing).unwrap_or(usize::MAX).min(body.capacity() - body.len());
        self.make_room(mode, AHEAD_OF_LARGE);
        let ahead = self.room_behind_large(mode, most as u64 == missing);
        let received = receive(mode, |wait| {
            let then = &mut self.ahead[ahead.clone()];
            socket::receive(mode.socket, body, most, then, wait)
        })?;
        self.unread = ahead.start..ahead.start + received.length.saturating_sub(most);
        self.keep_fds(received)
    }

    fn read_into(&mut self, mode: Mode<'_>, buffer: &mut [u8]) -> Result<usize, RecvError> {
        self.check_fds()?;
        self.make_room(mode, AHEAD_OF_LARGE);
        let ahead = self.room_behind_large(mode, true);
        let received = receive(mode, |wait| {
            let then = &mut self.ahead[ahead.clone()];
            socket::receive_exact(mode.socket, buffer, then, wait)
        })?;
        let length = received.length;
        self.unread = ahead.start..ahead.start + length.saturating_sub(buffer.len());
        self.keep_fds(received)?;
        Ok(length.min(buffer.len()))
    }

    /// Where the header of the message behind a large one may be read to. Nothing is unread while there is one.
    fn room_behind_large(&self, mode: Mode<'_>, to_the_end: bool) -> Range<usize> {
        if mode.read_ahead && to_the_end { 0..AHEAD_OF_LARGE } else { 0..0 }
    }

    /// Reads on behind what is unread; `length` is how much of a header there must be.
    fn read_ahead(&mut self, mode: Mode<'_>, length: usize) -> Result<(), RecvError> {
        // what is unread is less than a header
        self.ahead.copy_within(self.unread.clone(), 0);
        self.unread = 0..self.unread.len();
        self.make_room(mode, AHEAD);
        let end = if mode.read_ahead { self.ahead.len() } else { length };
        let there = self.unread.end;
        let received =
            receive(mode, |wait| socket::receive_exact(mode.socket, &mut self.ahead[there..end], &mut [], wait))?;
        self.unread.end += received.length;
        self.keep_fds(received)
    }

    fn make_room(&mut self, mode: Mode<'_>, least: usize) {
        if self.ahead.len() < least {
            self.ahead.resize(if mode.read_ahead { AHEAD } else { least.min(AHEAD_OF_LARGE) }, 0);
        }
    }

    fn keep_fds(&mut self, received: Received) -> Result<(), RecvError> {
        self.fds.extend(received.fds);
        self.fds_lost |= received.fds_lost;
        self.check_fds()
    }

    /// A stranger may send more than its messages tell of. Asked before reading too: who has met this by polling
    /// would otherwise wait in vain when receiving.
    fn check_fds(&self) -> Result<(), RecvError> {
        if self.fds.len() > 2 * MOST_FDS { Err(RecvError::Invalid) } else { Ok(()) }
    }
}

/// Receives something; the end is an error.
fn receive(mode: Mode<'_>, mut call: impl FnMut(bool) -> io::Result<Received>) -> Result<Received, RecvError> {
    // the system would not wait until a time
    let limit = if mode.wait { soft_deadline() } else { None };
    loop {
        return match call(mode.wait && limit.is_none()) {
            Ok(received) if received.length == 0 => Err(RecvError::EndOfFile),
            Ok(received) => Ok(received),
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock if !mode.wait => Err(RecvError::WouldBlock),
                // or somebody has made the description of this socket non-blocking
                io::ErrorKind::WouldBlock => match wait::readable(&mode.socket, limit) {
                    Ok(true) => continue,
                    Ok(false) => Err(SoftTimeLimitExceeded::new().into()),
                    Err(error) => Err(RecvError::Io(error)),
                },
                // the other side ended without having read all that it was sent; its own end comes next
                io::ErrorKind::ConnectionReset => continue,
                _ => Err(RecvError::Io(error)),
            },
        };
    }
}
