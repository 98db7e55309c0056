//! A worker, from inside: a process that answers one request after another, by the rules of [`region`](super::region).

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use super::area::Area;
use super::batch::{Batch, refusal};
use super::panics;
use super::region::{DATA, ENTRIES, Entry, Files, NEVER, Region, state};
use super::spin::Spin;
use crate::connection::{Connection, Fd, RecvError, SendError};
use crate::memory;
use crate::registry;
use crate::sys::{clock, futex, memory_file, signals, wait};

/// What a worker is given.
#[derive(serde::Serialize, serde::Deserialize)]
pub(super) struct Tools {
    pub(super) socket: Connection,
    pub(super) files: Files,
    pub(super) bells: [Fd<File>; 2],
}

/// The task that a worker is.
///
/// It first sends an empty message, to say that it is ready.
#[carom::task]
pub(super) fn serve(tools: Tools) {
    signals::leave_the_terminals_group();
    panics::watch();
    let Tools { socket, files, bells } = tools;
    // without memory it ends before it is ready
    let Ok(region) = Region::open(&files) else { return };
    drop(files);
    let spin = Spin::new();
    let mut desk = Desk { region, socket, bells, area: Area::new(DATA), done: 0, replied: 0, freed: 0, spin };
    if desk.send(&[], &[]).is_err() {
        return;
    }
    let mut memory = Vec::new();
    while desk.wait_for_request() {
        memory = desk.answer(memory);
    }
}

/// Memory for replies that has grown beyond this is not kept.
const KEPT: usize = 4 << 20;

/// The worker's side of a region.
struct Desk {
    region: Region,
    socket: Connection,
    bells: [Fd<File>; 2],
    /// Where replies are placed.
    area: Area,
    /// How many requests have been dealt with.
    done: u64,
    replied: u64,
    /// How many replies have been given back.
    freed: u64,
    spin: Spin,
}

const MOST: u64 = ENTRIES as u64;

/// Ends the worker: who goes on by what is not true any more answers nothing, or what nobody has asked.
#[cold]
fn overwritten() -> ! {
    eprintln!("carom: a task has overwritten the memory that its worker shares with the pool");
    std::process::abort()
}

/// For how long a worker sleeps before it looks by itself: who is to wake it ends it, if it ends.
const LONG: Duration = Duration::from_secs(3600);

impl Desk {
    /// Waits for the next request; false if there will be none.
    fn wait_for_request(&mut self) -> bool {
        let done = self.done;
        let is_there = |region: &Region| match region.control().requested.0.load(SeqCst).saturating_sub(done) {
            0 => false,
            1..=MOST => true,
            _ => overwritten(),
        };
        self.wait(is_there, false) || is_there(&self.region)
    }

    /// Waits until something holds; false if the pool is closing instead. `urgent` is that the pool has to do something first.
    fn wait(&mut self, holds: impl Fn(&Region) -> bool, urgent: bool) -> bool {
        let Self { region, spin, .. } = self;
        if holds(region) || spin.until(|| holds(region)) {
            return true;
        }
        loop {
            let control = self.region.control();
            control.asleep.0.store(1, SeqCst);
            let closing = control.wanted.0.closing.load(SeqCst) != 0;
            let over = holds(&self.region) || closing;
            if !over {
                if urgent || control.taken.0.load(SeqCst) < self.replied {
                    self.ring();
                }
                let nap = Spin::nap();
                futex::wait(&control.asleep.0, 1, LONG);
                self.spin.woken(nap);
            }
            self.region.control().asleep.0.store(0, SeqCst);
            if holds(&self.region) {
                return true;
            }
            if closing {
                return false;
            }
        }
    }

    /// Wakes the pool's thread that sleeps, if one does (rule 6).
    fn ring(&self) {
        let wanted = &self.region.control().wanted.0;
        if wanted.replies.load(SeqCst) != NEVER && wanted.replies.swap(NEVER, SeqCst) != NEVER {
            let bell = &self.bells[wanted.whom.load(SeqCst) as usize % 2];
            wait::ring(&bell.0);
        }
    }

    fn send(&self, bytes: &[u8], fds: &[OwnedFd]) -> Result<(), SendError> {
        let patience = || wait::writable(&self.socket).map_err(SendError::Io);
        self.socket.send_message(bytes, fds, &patience)
    }

    /// Deals with the next request; gives the memory back that it was given for the reply.
    fn answer(&mut self, memory: Vec<u8>) -> Vec<u8> {
        let number = self.done;
        let entry = self.region.request(number);
        let fds = match entry.fds.load(SeqCst) {
            0 => Ok(Vec::new()),
            _ => self.socket.receive_message(|_, fds| fds),
        };
        self.done += 1;
        let (queued, running) = (state::of(number, state::QUEUED), state::of(number, state::RUNNING));
        entry.begun.store(clock::nanoseconds(), SeqCst);
        if let Err(found) = entry.state.compare_exchange(queued, running, SeqCst, SeqCst) {
            if found != state::of(number, state::REVOKED) {
                overwritten();
            }
            self.region.control().passed.0.store(self.done, SeqCst);
            return memory;
        }
        let (mut reply, mut fds) = self.run(entry, fds, memory);
        // a worker may be killed when it has answered; a closed or full output is the task's own affair
        let _ = std::io::stdout().flush();
        if !fds.is_empty() || reply.len() > DATA / 2 {
            reply = self.reply(number, reply, &mut fds);
            fds.clear();
            memory::sent();
        } else {
            reply = self.reply(number, reply, &mut fds);
        }
        if reply.capacity() > KEPT {
            return Vec::new();
        }
        reply.clear();
        reply
    }

    /// Runs the calls of a request.
    fn run(&self, entry: &Entry, fds: Result<Vec<OwnedFd>, RecvError>, memory: Vec<u8>) -> (Vec<u8>, Vec<OwnedFd>) {
        let Ok(mut fds) = fds else {
            return (refusal("its request came with descriptors that it may not open"), Vec::new());
        };
        if !fds.is_empty() {
            // the pool may let go of its copies
            self.ring();
        }
        let (offset, len) = (entry.offset.load(SeqCst) as usize, entry.len.load(SeqCst) as usize);
        if entry.apart.load(SeqCst) == 0 {
            return match self.region.read_request(offset, len) {
                Some(bytes) => answer(bytes, fds, memory),
                None => (refusal("its request is not one"), Vec::new()),
            };
        }
        let mut bytes = Vec::new();
        let mut read = |fd: OwnedFd| File::from(fd).read_to_end(&mut bytes);
        match (!fds.is_empty()).then(|| read(fds.remove(0))) {
            Some(Ok(_)) => answer(&bytes, fds, memory),
            _ => (refusal("its request could not be read"), Vec::new()),
        }
    }

    /// Publishes a reply (rule 2), and gives its memory back.
    fn reply(&mut self, number: u64, mut bytes: Vec<u8>, fds: &mut Vec<OwnedFd>) -> Vec<u8> {
        let mut apart = 0;
        if bytes.len() > DATA / 2 {
            match memory_file::of(c"carom-reply", &bytes) {
                Ok(file) => {
                    fds.insert(0, file);
                    apart = 1;
                }
                Err(_) => {
                    fds.clear();
                    bytes = refusal("there is no memory for its reply");
                }
            }
        }
        let in_place: &[u8] = if apart == 0 { &bytes } else { &[] };
        let offset = self.place(in_place.len());
        if !fds.is_empty() && self.send(&number.to_ne_bytes(), fds).is_err() {
            // nobody is there to take the reply
            std::process::exit(1);
        }
        self.region.write_reply(offset, in_place);
        let entry = self.region.reply(self.replied);
        entry.state.store(number, SeqCst);
        entry.offset.store(offset as u32, SeqCst);
        entry.len.store(in_place.len() as u32, SeqCst);
        entry.fds.store(fds.len() as u32, SeqCst);
        entry.apart.store(apart, SeqCst);
        self.replied += 1;
        let control = self.region.control();
        control.passed.0.store(self.done, SeqCst);
        control.replied.0.store(self.replied, SeqCst);
        if self.replied >= control.wanted.0.replies.load(SeqCst) {
            self.ring();
        }
        bytes
    }

    /// A place for a reply; waits until there is one.
    fn place(&mut self, len: usize) -> usize {
        loop {
            let taken = self.region.control().taken.0.load(SeqCst);
            if taken > self.replied {
                overwritten();
            }
            while self.freed < taken {
                self.area.give_back();
                self.freed += 1;
            }
            if self.replied - self.freed < ENTRIES as u64
                && let Some(offset) = self.area.place(len)
            {
                return offset;
            }
            let freed = self.freed;
            self.wait(|region| region.control().taken.0.load(SeqCst) > freed, true);
        }
    }
}

/// Runs the calls of a request; the reply, and the descriptors that go with it.
fn answer(request: &[u8], fds: Vec<OwnedFd>, reply: Vec<u8>) -> (Vec<u8>, Vec<OwnedFd>) {
    let mut batch = Batch::new(request, fds, reply);
    let task = batch.open().and_then(|name| {
        registry::find_quickly(&name).ok_or_else(|| {
            format!("no task is named `{name}` in the worker; if a crate that nothing names defines it, write `use that_crate as _;`")
        })
    });
    match task {
        Ok(task) => (task.run)(&mut batch),
        Err(reason) => batch.refuse(&reason),
    }
    batch.into_reply()
}
