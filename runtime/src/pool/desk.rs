//! The worker's side of a [`region`](super::region): how it waits, and where its replies go.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};

use super::area::Area;
use super::region::{DATA, ENTRIES, Region};
use super::spin::Spin;
use crate::connection::{Connection, Fd, SendError};
use crate::raw::doorbell::Sleeper;
use crate::sys::{futex, wait};
use crate::task::TaskInfo;

pub(super) struct Desk {
    pub(super) region: Arc<Region>,
    pub(super) socket: Connection,
    bells: [Fd<File>; 2],
    /// Where parts are placed.
    area: Area,
    /// How many requests have been dealt with.
    pub(super) done: u64,
    /// It has passed a request that was taken back, for whose place the pool may wait, and has not told it.
    has_made_place: bool,
    /// How many parts have been published.
    replied: u64,
    /// How many of them have been given back.
    freed: u64,
    spin: Spin,
    /// The one that was asked for last, which is likely to be the next one.
    pub(super) last_task: Option<&'static TaskInfo>,
}

/// A part that is whole.
pub(super) struct Part<'b> {
    pub(super) request: u64,
    pub(super) offset: usize,
    pub(super) len: usize,
    pub(super) items: u32,
    pub(super) flags: u32,
    pub(super) fds: &'b [OwnedFd],
    /// There is no other one to the request.
    pub(super) is_last: bool,
}

const MOST: u64 = ENTRIES as u64;

/// Ends the worker: who goes on by what is not true any more answers nothing, or what nobody has asked.
#[cold]
pub(super) fn overwritten() -> ! {
    eprintln!("carom: a task has overwritten the memory that its worker shares with the pool");
    std::process::abort()
}

impl Desk {
    pub(super) fn new(region: Region, socket: Connection, bells: [Fd<File>; 2], workers: usize) -> Self {
        Self {
            region: Arc::new(region),
            socket,
            bells,
            area: Area::new(DATA),
            done: 0,
            has_made_place: false,
            replied: 0,
            freed: 0,
            spin: Spin::new(workers),
            last_task: None,
        }
    }

    /// Waits for the next request; false if there will be none.
    pub(super) fn wait_for_request(&mut self) -> bool {
        let done = self.done;
        let is_there = |region: &Region| match region.control().requested.0.load(SeqCst).saturating_sub(done) {
            0 => false,
            1..=MOST => true,
            _ => overwritten(),
        };
        self.wait(is_there, Sleeper::FOR_A_REQUEST) || is_there(&self.region)
    }

    /// Waits until something holds (rule 8); false if the pool is closing, and it waits for requests.
    fn wait(&mut self, holds: impl Fn(&Region) -> bool, what: u32) -> bool {
        let for_room = what == Sleeper::FOR_ROOM;
        let Self { region, spin, .. } = self;
        if holds(region) || spin.until(|| holds(region)) {
            return true;
        }
        loop {
            let control = self.region.control();
            let (over, closing) = control.asleep.0.lie_down(what, || {
                let closing = control.wanted.0.closing.load(SeqCst) != 0;
                (holds(&self.region) || (closing && !for_room), closing)
            });
            if !over {
                if for_room || self.has_made_place || control.taken.0.load(SeqCst) < self.replied {
                    self.has_made_place = false;
                    self.ring();
                }
                let nap = self.spin.nap();
                // who is to wake it ends it, if it ends
                futex::wait_for_waker(control.asleep.0.word(), what);
                self.spin.woken(nap);
            }
            self.region.control().asleep.0.get_up();
            if holds(&self.region) {
                return true;
            }
            if closing && !for_room {
                return false;
            }
        }
    }

    /// Wakes the pool's thread that sleeps, if one does (rule 9).
    pub(super) fn ring(&self) {
        self.ring_for(self.region.control().wanted.0.wish.whom());
    }

    fn ring_for(&self, whom: Option<u32>) {
        if let Some(whom) = whom {
            wait::ring(&self.bells[whom as usize % 2].0);
        }
    }

    /// Passes the request that was begun last, which was taken back.
    pub(super) fn pass(&mut self) {
        let control = self.region.control();
        // the pool could not place another one; with a reply, or before this sleeps, it is told
        self.has_made_place |= control.requested.0.load(SeqCst) + 1 >= self.done + MOST;
        control.passed.0.store(self.done, SeqCst);
    }

    pub(super) fn send(&self, bytes: &[u8], fds: &[OwnedFd]) -> Result<(), SendError> {
        let patience = || wait::writable(&self.socket).map_err(SendError::Io);
        self.socket.send_message(bytes, fds, &patience)
    }

    /// The number of the part that is published next.
    #[inline]
    pub(super) fn next_part(&self) -> u64 {
        self.replied
    }

    /// A place for a part, of so many bytes at least and at most; waits until there is one.
    pub(super) fn place(&mut self, least: usize, most: usize) -> (usize, usize) {
        loop {
            let taken = self.region.control().taken.0.load(SeqCst);
            if taken > self.replied {
                overwritten();
            }
            while self.freed < taken {
                self.area.give_back();
                self.freed += 1;
            }
            if self.replied - self.freed < MOST
                && let Some(place) = self.area.place_some(least, most)
            {
                return place;
            }
            let freed = self.freed;
            self.wait(|region| region.control().taken.0.load(SeqCst) > freed, Sleeper::FOR_ROOM);
        }
    }

    /// Publishes the part that was placed last (rule 2).
    pub(super) fn publish(&mut self, part: &Part<'_>) {
        self.area.shorten(part.len);
        if !part.fds.is_empty() && self.send(&part.request.to_ne_bytes(), part.fds).is_err() {
            // nobody is there to take the reply
            std::process::exit(1);
        }
        let entry = self.region.reply(self.replied);
        entry.state.store(part.request, Relaxed);
        entry.offset.store(part.offset as u32, Relaxed);
        entry.len.store(part.len as u32, Relaxed);
        entry.fds.store(part.fds.len() as u32, Relaxed);
        entry.flags.store(part.flags, Relaxed);
        entry.count.store(part.items, Relaxed);
        self.replied += 1;
        let control = self.region.control();
        if part.is_last {
            control.passed.0.store(self.done, SeqCst);
        }
        self.ring_for(control.wanted.0.wish.reply(&control.replied.0, self.replied));
    }
}
