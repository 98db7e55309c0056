//! The memory that the pool shares with one worker, and with nobody else.
//!
//! # Rules
//! 1. A request is an entry and its bytes: some calls of one task. The pool writes both, and publishes them by one store, of how many there
//!    have been (`requested`). The worker cannot write the bytes.
//! 2. A reply is made of parts, each with the results of some calls, in order. A part goes the same way in the other direction
//!    (`replied`), and the pool says by one store how many it has taken (`taken`). So one who is killed while it writes has written nothing.
//! 3. Each request has a state, which goes from `QUEUED` to `RUNNING` by the worker, or from `QUEUED` to `REVOKED` by the pool, by an
//!    exchange: either the worker has begun it, or the pool has it back. The state has the request's number in it, so that it
//!    is not taken for that of another one.
//! 4. While a part is being written (it is `open`), one store after each call says how many results there are in it. When the
//!    worker ends, they count as if the part had been published. The word bears the number of the part, so that it means nothing once that is.
//! 5. A worker that has ended with a request `RUNNING` has lost one call, which is the one after those that have results. The
//!    later ones it has not begun, nor those of requests that are `QUEUED`.
//! 6. A call that can be ended before it is done (because it has a limit) has a state of its own (`call`), which goes from `RUNNING` to `DONE` by
//!    the worker, or to `CONDEMNED` by the pool, by an exchange. The pool kills a worker only for a call that it has condemned, and a
//!    worker whose call is condemned waits for that. So a call that was in time has its result, and no other is hit in its place.
//! 7. A worker that is to be replaced says so with its last part (`RETIRES`), which hands back the calls of the request that it has not
//!    begun. It takes no other request.
//! 8. A worker that finds no request, or no room for a reply, says that it is `asleep` and for want of what, looks again, and sleeps on
//!    that word. Who publishes a request, or takes a reply, looks at it afterwards, and wakes it if that is what it waits for. (These
//!    words are `raw::doorbell`'s, and so are those of the next rule.)
//! 9. The pool's thread that is to sleep says when it wants to be woken (`wish`: when there have been so many replies, and by
//!    which bell), and looks again. A worker that has replied looks at it, and so does one that is about to sleep and has
//!    replied, or has passed a request that was taken back when there was no place for another one; and one that has begun a request
//!    with descriptors; and it takes that back before it rings, so that one sleep costs one bell.
//! 10. What the worker has written is checked before it is used: numbers against the memory's bounds, and bytes are copied first.
//!
//! # Safety
//! The control block consists of atomics only. Bytes of a record are written by one side, before it is published, and read by the other
//! one afterwards. The pool does not rely on that, and reads them as racing ones; the worker, whose requests it cannot write itself, does.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::SeqCst};

use crate::raw::doorbell::{Sleeper, Wish};
use crate::sys::map::{Map, PAGE};
use crate::sys::{memory_file, racing};

/// So many requests, and so many replies, are under way at most.
pub(super) const ENTRIES: usize = 128;
/// The bytes of all requests under way, and of all replies that have not been taken.
pub(super) const DATA: usize = 4 << 20;
/// The calls of one request.
pub(super) const MOST_CALLS: usize = 1 << 20;

/// What one processor writes and another one reads, apart from the rest.
#[repr(C, align(64))]
pub(super) struct Line<T>(pub(super) T);

#[repr(C)]
pub(super) struct Control {
    /// By the pool.
    pub(super) requested: Line<AtomicU64>,
    pub(super) taken: Line<AtomicU64>,
    pub(super) wanted: Line<Wanted>,
    /// By the worker.
    pub(super) asleep: Line<Sleeper>,
    pub(super) replied: Line<AtomicU64>,
    /// How many requests it has dealt with, whose entries are free.
    pub(super) passed: Line<AtomicU64>,
    pub(super) open: Line<Open>,
    pub(super) call: Line<Call>,
    pub(super) requests: [Entry; ENTRIES],
    pub(super) replies: [Entry; ENTRIES],
}

pub(super) struct Wanted {
    pub(super) wish: Wish,
    /// 1 when no requests will come, and the worker is to end when it has none.
    pub(super) closing: AtomicU32,
}

/// The part that is being written (rule 4).
pub(super) struct Open {
    /// [`progress`] of it.
    pub(super) progress: AtomicU64,
    /// To which request.
    pub(super) request: AtomicU64,
    pub(super) offset: AtomicU32,
    pub(super) flags: AtomicU32,
}

/// The call that is being made.
pub(super) struct Call {
    /// Rule 6: a [`call`] of a request.
    pub(super) state: AtomicU64,
    /// When the worker began it, in nanoseconds of the clock that is never set; where it has no limit, on a coarse one.
    pub(super) begun: AtomicU64,
}

/// A request, or a part of a reply.
#[repr(C, align(64))]
pub(super) struct Entry {
    /// Of a request its state, of a part the number of the request.
    pub(super) state: AtomicU64,
    /// By its [`id`](crate::task::TaskInfo::id).
    pub(super) task: AtomicU64,
    pub(super) offset: AtomicU32,
    pub(super) len: AtomicU32,
    /// How many descriptors come with it, over the socket.
    pub(super) fds: AtomicU32,
    pub(super) flags: AtomicU32,
    /// How many calls it has, or has the results of.
    pub(super) count: AtomicU32,
    /// How many of the calls are not to be made, because they have been.
    pub(super) skip: AtomicU32,
    /// How often the first of the others has been begun before.
    pub(super) attempt: AtomicU32,
    /// After how many nanoseconds each call is to come to an end; 0 if it need not.
    pub(super) soft: AtomicU64,
}

/// What a request or a part is like.
pub(super) mod flags {
    /// The first of its descriptors is the bytes.
    pub(in super::super) const APART: u32 = 1;
    /// A request whose calls can be ended (rule 6).
    pub(in super::super) const GUARDED: u32 = 2;
    /// A part that is numbers as they stand in memory.
    pub(in super::super) const NUMBERS: u32 = 4;
    /// A request of one call, or a part with one result, that is a vector of numbers as they stand in memory.
    pub(in super::super) const BULK: u32 = 16;
    /// A part after which the worker hands back what is left of the request (rule 7).
    pub(in super::super) const BACK: u32 = 8;
    /// A part after which it takes no other request.
    pub(in super::super) const RETIRES: u32 = 32;
}

/// States of requests, below the number.
pub(super) mod state {
    pub(in super::super) const QUEUED: u64 = 0;
    pub(in super::super) const RUNNING: u64 = 1;
    pub(in super::super) const REVOKED: u64 = 2;

    pub(in super::super) fn of(number: u64, state: u64) -> u64 {
        number << 2 | state
    }
}

/// States of calls, below the request's number and the place of the call in that.
pub(super) mod call {
    pub(in super::super) const DONE: u64 = 0;
    pub(in super::super) const RUNNING: u64 = 1;
    pub(in super::super) const CONDEMNED: u64 = 2;

    const PLACE: u32 = 24;

    pub(in super::super) fn of(request: u64, place: u32, state: u64) -> u64 {
        (request << PLACE | u64::from(place)) << 2 | state
    }

    /// The end of the request's number, and the state.
    pub(in super::super) fn read(word: u64) -> (u64, u64) {
        (word >> 2 >> PLACE, word & 3)
    }

    /// That much of a number, or of a difference of two, is in the word.
    pub(in super::super) fn end_of(number: u64) -> u64 {
        number & (u64::MAX >> 2 >> PLACE)
    }
}

/// How far the open part is: its number (the end of that), how many results it has, and how many bytes.
pub(super) mod progress {
    use super::{DATA, MOST_CALLS};

    const LEN: u32 = DATA.ilog2() + 1;
    const ITEMS: u32 = MOST_CALLS.ilog2() + 1;

    pub(in super::super) fn of(part: u64, items: u32, len: usize) -> u64 {
        (part << ITEMS | u64::from(items)) << LEN | len as u64
    }

    /// Results and bytes, if it is this part's.
    pub(in super::super) fn read(word: u64, part: u64) -> Option<(u32, usize)> {
        let (items, len) = (word >> LEN & ((1 << ITEMS) - 1), word & ((1 << LEN) - 1));
        (word == of(part, items as u32, len as usize)).then_some((items as u32, len as usize))
    }
}

const CONTROL: usize = size_of::<Control>().next_multiple_of(PAGE);

/// One side's view.
pub(super) struct Region {
    /// The control block, and the replies.
    shared: Map,
    requests: Map,
}

/// What the other side makes its view of.
#[derive(serde::Serialize, serde::Deserialize)]
pub(super) struct Files {
    #[serde(with = "crate::connection::fd")]
    shared: OwnedFd,
    #[serde(with = "crate::connection::fd")]
    requests: OwnedFd,
}

impl Region {
    /// Makes one, for the pool, and what the worker is to be given.
    pub(super) fn create() -> io::Result<(Self, Files)> {
        let shared = memory_file::zeros(c"carom-worker", (CONTROL + DATA) as u64, false)?;
        let requests = memory_file::zeros(c"carom-requests", DATA as u64, false)?;
        let region = Self {
            shared: Map::new(&shared, CONTROL + DATA, CONTROL + DATA, true)?,
            requests: Map::new(&requests, DATA, DATA, true)?,
        };
        let readable = memory_file::reopen(&requests.as_fd(), false)?;
        Ok((region, Files { shared, requests: readable }))
    }

    /// The worker's view.
    pub(super) fn open(files: &Files) -> io::Result<Self> {
        let shared = Map::new(&files.shared, CONTROL + DATA, CONTROL + DATA, true)?;
        Ok(Self { shared, requests: Map::new(&files.requests, DATA, DATA, false)? })
    }

    #[inline]
    pub(super) fn control(&self) -> &Control {
        // SAFETY: it lies at the beginning of the mapping, which is longer; zeros are a value.
        unsafe { self.shared.start().cast::<Control>().as_ref() }
    }

    #[inline]
    pub(super) fn request(&self, number: u64) -> &Entry {
        &self.control().requests[number as usize % ENTRIES]
    }

    #[inline]
    pub(super) fn reply(&self, number: u64) -> &Entry {
        &self.control().replies[number as usize % ENTRIES]
    }

    /// Whether there are more replies than those that have been taken.
    pub(super) fn has_replied(&self, taken: u64) -> bool {
        self.control().replied.0.load(SeqCst) != taken
    }

    /// Writes the bytes of a request; `offset` is where [`Area`](super::area::Area) places them.
    #[inline]
    pub(super) fn write_request(&self, offset: usize, bytes: &[u8]) {
        // SAFETY: only the pool, which has mapped them to be written, does this.
        unsafe { Self::write(self.requests.start(), offset, bytes) };
    }

    #[inline]
    pub(super) fn write_reply(&self, offset: usize, bytes: &[u8]) {
        // SAFETY: the replies lie behind the control block.
        let replies = unsafe { self.shared.start().add(CONTROL) };
        // SAFETY: both sides have mapped them to be written.
        unsafe { Self::write(replies, offset, bytes) };
    }

    /// # Safety
    /// There are [`DATA`] bytes, which can be written.
    #[inline]
    unsafe fn write(to: NonNull<u8>, offset: usize, bytes: &[u8]) {
        assert!(offset <= DATA && bytes.len() <= DATA - offset, "a record lies within its memory");
        // SAFETY: it is within the bytes.
        let to = unsafe { to.add(offset) };
        // SAFETY: as above; the other side reads them when they are published.
        unsafe { to.copy_from_nonoverlapping(NonNull::from_ref(bytes).cast(), bytes.len()) };
    }

    /// The bytes of a request, in the worker; none if they are not within the memory.
    pub(super) fn read_request(&self, offset: usize, len: usize) -> Option<&[u8]> {
        if offset > DATA || len > DATA - offset {
            return None;
        }
        // SAFETY: it is within the mapping.
        let start = unsafe { self.requests.start().add(offset) };
        // SAFETY: the pool, which wrote them, leaves them as they are until the request is done.
        Some(unsafe { std::slice::from_raw_parts(start.as_ptr(), len) })
    }

    /// Copies the bytes of a reply, in the pool; false if they are not within the memory.
    pub(super) fn read_reply(&self, offset: usize, len: usize, into: &mut Vec<u8>) -> bool {
        if offset > DATA || len > DATA - offset {
            return false;
        }
        into.clear();
        into.reserve(len);
        // SAFETY: it is within the mapping.
        let start = unsafe { self.shared.start().add(CONTROL + offset) };
        // SAFETY: there is room for them, and they are copied as bytes that may change meanwhile.
        unsafe { racing::copy_in(start.as_ptr(), into.as_mut_ptr(), len) };
        // SAFETY: they have been written.
        unsafe { into.set_len(len) };
        true
    }
}
