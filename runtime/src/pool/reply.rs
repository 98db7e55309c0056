//! What a worker answers to one request: results, one after another, in parts that the pool can read when the worker is gone.

use std::os::fd::OwnedFd;
use std::sync::atomic::Ordering::{Relaxed, Release, SeqCst};

use super::batch::refusal;
use super::desk::{Desk, Part};
use super::quota::Quota;
use super::region::{DATA, call, flags, progress};
use crate::codec::transfer::Outgoing;
use crate::codec::{NumberSink, Writer};
use crate::memory;
use crate::sys::{clock, memory_file};

/// A request of which results are being written.
pub(super) struct Answer<'d> {
    desk: &'d mut Desk,
    quota: &'d mut Quota,
    request: Request,
    /// The place of the next call in the request.
    place: u32,
    /// Records of the results that have not been published; the first ones are in the open part too.
    writer: Writer,
    /// The part that is being written, where others can see it.
    open: Option<Open>,
    /// How many results there are, in it and in records.
    items: u32,
    /// A call has begun that can be ended, and is not done.
    in_call: bool,
    /// What is in the open part is numbers.
    numbers: bool,
    /// The result is one vector of numbers, which is in its place, or apart.
    bulk: Option<(Open, Vec<OwnedFd>)>,
}

/// What an answer has to know of its request.
pub(super) struct Request {
    pub(super) number: u64,
    pub(super) count: u32,
    pub(super) guarded: bool,
}

struct Open {
    offset: usize,
    room: usize,
    len: usize,
    /// How many results others can see.
    items: u32,
}

impl NumberSink for Answer<'_> {
    /// Adds a result that is a number.
    #[inline]
    fn put<const LEN: usize>(&mut self, bytes: [u8; LEN]) {
        if !self.numbers || self.open.as_ref().is_none_or(|open| open.room - open.len < LEN) {
            self.open_for_numbers(LEN);
        }
        if let Some(open) = &mut self.open {
            self.desk.region.write_reply(open.offset + open.len, &bytes);
            open.len += LEN;
        }
    }
}

const NO_MEMORY: &str = "there is no memory for its reply";

/// An open part is of this size, if no result is larger.
const PART: usize = 64 << 10;

impl<'d> Answer<'d> {
    /// An answer to calls from `place` on, that takes this memory.
    pub(super) fn new(desk: &'d mut Desk, quota: &'d mut Quota, request: Request, place: u32, memory: Vec<u8>) -> Self {
        let writer = Writer::carrying(memory, true);
        Self { desk, quota, request, place, writer, open: None, items: 0, in_call: false, numbers: false, bulk: None }
    }

    /// The place of the next call.
    pub(super) fn place(&self) -> u32 {
        self.place
    }

    /// Where the record of a result goes.
    pub(super) fn writer(&mut self) -> &mut Writer {
        if self.numbers {
            self.close(false);
        }
        &mut self.writer
    }

    /// Says that the next call begins; false if this worker makes no more.
    #[inline]
    pub(super) fn begin(&mut self) -> bool {
        if self.quota.is_used_up() {
            return false;
        }
        let now = &self.desk.region.control().call.0;
        if self.request.guarded {
            now.begun.store(clock::nanoseconds(), Relaxed);
            now.state.store(call::of(self.request.number, self.place, call::RUNNING), Release);
            self.in_call = true;
        } else {
            now.begun.store(clock::coarse_nanoseconds(), Relaxed);
        }
        true
    }

    #[cold]
    fn open_for_numbers(&mut self, len: usize) {
        self.close(false);
        self.numbers = true;
        let left = (self.request.count - self.place) as usize * len;
        self.open(len, left.min(PART));
    }

    /// Adds the result of a request of one call, which is a vector of numbers.
    pub(super) fn bulk(&mut self, bytes: &[u8]) {
        if bytes.len() <= DATA / 2 {
            let (offset, room) = self.desk.place(bytes.len(), bytes.len());
            self.desk.region.write_reply(offset, bytes);
            self.bulk = Some((Open { offset, room, len: bytes.len(), items: 0 }, Vec::new()));
            return;
        }
        match memory_file::of(c"carom-reply", bytes) {
            Ok(file) => {
                let (offset, room) = self.desk.place(0, 0);
                self.bulk = Some((Open { offset, room, len: 0, items: 0 }, vec![file]));
            }
            Err(_) => self.writer = Writer::carrying(refusal(NO_MEMORY), true),
        }
    }

    /// Says that the call is done, and its result written.
    #[inline]
    pub(super) fn done(&mut self) {
        self.end_call();
        self.count(1);
    }

    /// Says that what has been written is the result of so many calls.
    #[inline]
    pub(super) fn count(&mut self, calls: u32) {
        self.place += calls;
        self.items += calls;
        self.quota.used(calls);
        if self.place == self.request.count || self.quota.is_used_up() {
            // it is published at once
        } else if self.numbers {
            self.tell();
        } else if self.writer.fds() > 0 {
            self.close(false);
        } else {
            self.show();
        }
    }

    /// The call is in time (rule 6), or this worker is about to be killed for it. To be said before anything waits for room.
    #[inline]
    pub(super) fn end_call(&mut self) {
        if std::mem::take(&mut self.in_call) {
            self.end_guarded_call();
        }
    }

    fn end_guarded_call(&self) {
        let state = |state| call::of(self.request.number, self.place, state);
        let now = &self.desk.region.control().call.0.state;
        if now.compare_exchange(state(call::RUNNING), state(call::DONE), SeqCst, SeqCst).is_err() {
            loop {
                std::thread::park();
            }
        }
    }

    /// Copies the last record to where others can see it.
    fn show(&mut self) {
        let seen = self.open.as_ref().map_or(0, |open| open.len);
        let more = self.writer.written() - seen;
        if self.open.as_ref().is_some_and(|open| open.room - open.len < more) {
            self.close_seen();
        }
        if more > DATA / 2 {
            return self.close(false);
        }
        if self.open.is_none() {
            self.open(more, more.max(PART));
        }
        if let Some(open) = &mut self.open {
            self.desk.region.write_reply(open.offset + open.len, &self.writer.bytes()[open.len..]);
            open.len += more;
        }
        self.tell();
    }

    /// Opens a part (rule 4).
    fn open(&mut self, least: usize, most: usize) {
        let (offset, room) = self.desk.place(least, most.max(least));
        let open = &self.desk.region.control().open.0;
        open.request.store(self.request.number, Relaxed);
        open.offset.store(offset as u32, Relaxed);
        open.flags.store(if self.numbers { flags::NUMBERS } else { 0 }, Relaxed);
        self.open = Some(Open { offset, room, len: 0, items: 0 });
    }

    /// Says what there is in the open part.
    #[inline]
    fn tell(&mut self) {
        if let Some(open) = &mut self.open {
            open.items = self.items;
            let word = progress::of(self.desk.next_part(), open.items, open.len);
            self.desk.region.control().open.0.progress.store(word, Release);
        }
    }

    /// Publishes what others can see already, and goes on with the rest.
    fn close_seen(&mut self) {
        if let Some(open) = self.open.take() {
            self.publish(open.offset, open.len, open.items, &[], 0, false);
            self.items -= open.items;
            self.writer.drop_front(open.len);
        }
    }

    /// Publishes all that there is.
    fn close(&mut self, is_last: bool) {
        let back = if is_last && self.place < self.request.count { flags::BACK } else { 0 };
        if self.items == 0 && back == 0 {
            return;
        }
        if let Some((Open { offset, len, .. }, fds)) = self.bulk.take() {
            let apart = if fds.is_empty() { 0 } else { flags::APART };
            self.publish(offset, len, self.items, &fds, flags::BULK | apart | back, is_last);
            self.items = 0;
            return;
        }
        if std::mem::take(&mut self.numbers)
            && let Some(open) = self.open.take()
        {
            self.publish(open.offset, open.len, self.items, &[], flags::NUMBERS | back, is_last);
            self.items = 0;
            return;
        }
        if self.open.as_ref().is_some_and(|open| self.writer.written() > open.room) {
            self.close_seen();
        }
        let (mut bytes, outgoing) =
            std::mem::replace(&mut self.writer, Writer::carrying(Vec::new(), true)).into_parts();
        let mut fds = outgoing.map(Outgoing::into_fds).unwrap_or_default();
        let mut apart = 0;
        if bytes.len() > DATA / 2 {
            match memory_file::of(c"carom-reply", &bytes) {
                Ok(file) => {
                    fds.insert(0, file);
                    bytes.clear();
                    apart = flags::APART;
                }
                Err(_) => {
                    fds.clear();
                    bytes = refusal(NO_MEMORY);
                }
            }
        }
        let (offset, seen) = match self.open.take() {
            Some(open) => (open.offset, open.len),
            None => (self.desk.place(bytes.len(), bytes.len()).0, 0),
        };
        self.desk.region.write_reply(offset + seen, &bytes[seen..]);
        self.publish(offset, bytes.len(), self.items, &fds, apart | back, is_last);
        self.items = 0;
        if !fds.is_empty() {
            drop(fds);
            memory::sent();
        }
        bytes.clear();
        self.writer = Writer::carrying(bytes, true);
    }

    fn publish(&mut self, offset: usize, len: usize, items: u32, fds: &[OwnedFd], flags: u32, is_last: bool) {
        let retires = if is_last && self.quota.is_used_up() { flags::RETIRES } else { 0 };
        let (request, flags) = (self.request.number, flags | retires);
        self.desk.publish(&Part { request, offset, len, items, flags, fds, is_last });
        // the next part of this number is another one
        self.desk.region.control().open.0.progress.store(0, Relaxed);
    }

    /// Publishes the last part; gives the memory back.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.close(true);
        self.writer.into_parts().0
    }
}
