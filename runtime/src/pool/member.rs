//! A worker, from outside: its process, and the pool's side of its region.

use std::collections::VecDeque;
use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

use super::PoolError;
use super::area::Area;
use super::batch::refusal;
use super::engine::Bells;
use super::job::Job;
use super::region::{DATA, ENTRIES, NEVER, Region, state};
use super::worker::{Tools, serve};
use crate::connection::{Connection, RecvError, SendError, Untyped, pipe};
use crate::memory;
use crate::process::{ExitStatus, Process};
use crate::sys::{futex, memory_file, wait};

/// How long a process may take from the end of its connection to its own.
pub(super) const MOMENT: Duration = Duration::from_secs(1);

pub(super) struct Member {
    pub(super) process: Process,
    pub(super) socket: Arc<Connection>,
    region: Arc<Region>,
    /// Where requests are placed.
    area: Area,
    /// The requests that have not been answered, and between them places of those that have, or were revoked.
    window: VecDeque<Option<Job>>,
    /// The number of the first of them.
    first: u64,
    /// How many of them are open.
    open: usize,
    /// How many requests went with descriptors of which this process has copies still, or had when it looked last.
    lent: usize,
    /// How many replies have been taken.
    taken: u64,
    /// It has said so.
    pub(super) is_ready: bool,
    /// When it closed its socket.
    pub(super) left: Option<Instant>,
    /// It has overwritten what it is not to write, and is being killed.
    is_damaged: bool,
    /// It has been told to end, and is given nothing any more.
    is_dismissed: bool,
    has_ended: bool,
}

/// What became of a job that a worker was to be given.
pub(super) enum Given {
    Yes,
    /// There is no room.
    No(Job),
    Failed(Job, SendError),
}

impl Member {
    /// Starts one, which will not be ready at once.
    pub(super) fn start(name: String, bells: &Bells) -> Result<Self, PoolError> {
        let os = |action| move |source| PoolError::Os { action, source };
        let (socket, theirs) = pipe::<Untyped, Untyped>().map_err(os("make a pipe"))?;
        let (region, files) = Region::create().map_err(os("make shared memory"))?;
        let bells = bells.copies().map_err(os("copy a descriptor"))?;
        let tools = Tools { socket: theirs, files, bells };
        let process = Process::builder().name(name).daemon(true).spawn(serve, tools)?;
        Ok(Self {
            process,
            socket: Arc::new(socket),
            region: Arc::new(region),
            area: Area::new(DATA),
            window: VecDeque::new(),
            first: 0,
            open: 0,
            lent: 0,
            taken: 0,
            is_ready: false,
            left: None,
            is_damaged: false,
            is_dismissed: false,
            has_ended: false,
        })
    }

    /// Whether it is ready, which it says once; an error if it will never be.
    pub(super) fn look_whether_ready(&mut self) -> Result<bool, PoolError> {
        // before its message is looked for: one may be there, of a worker that has ended
        let has_ended = self.process_has_ended();
        match self.socket.try_receive_message() {
            Ok(_) => self.is_ready = true,
            Err(RecvError::WouldBlock) if !has_ended => {}
            Err(_) if !has_ended && self.left.get_or_insert_with(Instant::now).elapsed() < MOMENT => {}
            Err(_) => {
                if !has_ended {
                    // one that cannot be killed has ended
                    let _ = self.process.kill();
                }
                self.has_ended = true;
                return Err(PoolError::Ended { status: self.process.join()? });
            }
        }
        Ok(self.is_ready)
    }

    /// Waits until it is ready.
    pub(super) fn wait_until_ready(&mut self) -> Result<(), PoolError> {
        let os = |source| PoolError::Os { action: "wait", source };
        while !self.look_whether_ready()? {
            match self.left {
                None => wait::either_readable(&*self.socket, &self.process).map(drop),
                Some(left) => wait::readable(&self.process, Some(left + MOMENT)).map(drop),
            }
            .map_err(os)?;
        }
        Ok(())
    }

    pub(super) fn process_has_ended(&self) -> bool {
        wait::readable(&self.process, Some(Instant::now())).unwrap_or(false)
    }

    /// Whether it can be given jobs.
    pub(super) fn is_fit(&self) -> bool {
        self.is_ready && self.left.is_none() && !self.is_damaged && !self.is_dismissed
    }

    /// How many requests it has that it has not answered.
    pub(super) fn open(&self) -> usize {
        self.open
    }

    /// Gives it a job (rule 1).
    pub(super) fn give(&mut self, mut job: Job) -> Given {
        let number = self.first + self.window.len() as u64;
        if number - self.region.control().passed.0.load(SeqCst).min(number) >= ENTRIES as u64 {
            return Given::No(job);
        }
        let apart = job.bytes.len() > DATA / 2;
        let len = if apart { 0 } else { job.bytes.len() };
        let Some(offset) = self.area.place(len) else { return Given::No(job) };
        if apart && job.apart.is_none() {
            match memory_file::of(c"carom-request", &job.bytes) {
                Ok(file) => job.apart = Some(file),
                Err(error) => {
                    self.area.undo();
                    return Given::Failed(job, SendError::Io(error));
                }
            }
        }
        let fds = job.fds.len() + usize::from(apart);
        if fds > 0
            && let Err(error) = self.send(number, &job)
        {
            self.area.undo();
            return Given::Failed(job, error);
        }
        self.region.write_request(offset, if apart { &[] } else { &job.bytes });
        let entry = self.region.request(number);
        entry.state.store(state::of(number, state::QUEUED), SeqCst);
        entry.offset.store(offset as u32, SeqCst);
        entry.len.store(len as u32, SeqCst);
        entry.fds.store(fds as u32, SeqCst);
        entry.apart.store(apart.into(), SeqCst);
        self.window.push_back(Some(job));
        self.open += 1;
        self.lent += usize::from(fds > 0);
        self.region.control().requested.0.store(number + 1, SeqCst);
        self.wake();
        Given::Yes
    }

    fn send(&self, number: u64, job: &Job) -> Result<(), SendError> {
        let patience = || match wait::writable_or_ended(&*self.socket, &self.process).map_err(SendError::Io)? {
            true => Ok(()),
            false => Err(SendError::Disconnected),
        };
        let copies = job.apart.iter().chain(&job.fds).map(OwnedFd::try_clone).collect::<Result<Vec<_>, _>>();
        self.socket.send_message(&number.to_ne_bytes(), &copies.map_err(SendError::Io)?, &patience)
    }

    /// Wakes it if it sleeps (rule 5).
    fn wake(&self) {
        let asleep = &self.region.control().asleep.0;
        if asleep.load(SeqCst) != 0 && asleep.swap(0, SeqCst) != 0 {
            futex::wake_one(asleep);
        }
    }

    /// Takes the next reply, and the job that it is to (rule 2).
    pub(super) fn reply(&mut self) -> Option<(Job, Vec<u8>, Vec<OwnedFd>)> {
        let region = &self.region;
        let replied = region.control().replied.0.load(SeqCst);
        if replied <= self.taken || self.is_damaged {
            return None;
        }
        if replied - self.taken > ENTRIES as u64 {
            // rule 7; that it has ended is found as with any other
            self.is_damaged = true;
            let _ = self.process.kill();
            return None;
        }
        let entry = region.reply(self.taken);
        let number = entry.state.load(SeqCst);
        let mut bytes = Vec::new();
        let (offset, len) = (entry.offset.load(SeqCst) as usize, entry.len.load(SeqCst) as usize);
        let mut whole = region.read_reply(offset, len, &mut bytes);
        let mut fds = Vec::new();
        if entry.fds.load(SeqCst) > 0 {
            match self.socket.try_receive_message() {
                Ok((_, received)) => fds = received,
                Err(RecvError::DescriptorsLost) => {
                    bytes = refusal("its reply came with descriptors that this process may not open");
                }
                Err(_) => whole = false,
            }
            if whole && entry.apart.load(SeqCst) != 0 && !fds.is_empty() {
                bytes.clear();
                whole = File::from(fds.remove(0)).read_to_end(&mut bytes).is_ok();
            }
        }
        self.taken += 1;
        region.control().taken.0.store(self.taken, SeqCst);
        self.wake();
        // it is another author's (rule 7)
        let place = number.checked_sub(self.first).and_then(|place| usize::try_from(place).ok());
        let job = place.and_then(|place| self.window.get_mut(place)).and_then(Option::take)?;
        self.closed();
        if !whole {
            bytes = refusal("its reply is not one");
        }
        Some((job, bytes, fds))
    }

    /// A request is not open any more.
    fn closed(&mut self) {
        self.open -= 1;
        while let Some(None) = self.window.front() {
            self.window.pop_front();
            self.first += 1;
            self.area.give_back();
        }
    }

    /// Takes back the last job that it has not begun (rule 3), of those that `which` is true of.
    pub(super) fn revoke(&mut self, which: impl Fn(&Job) -> bool) -> Option<Job> {
        for place in (0..self.window.len()).rev() {
            let number = self.first + place as u64;
            let Some(job) = &self.window[place] else { continue };
            let (queued, revoked) = (state::of(number, state::QUEUED), state::of(number, state::REVOKED));
            if which(job) && self.region.request(number).state.compare_exchange(queued, revoked, SeqCst, SeqCst).is_ok()
            {
                let job = self.window[place].take();
                // its place is free when the worker has passed it, which is when it answers a later one
                self.open -= 1;
                return job;
            }
        }
        None
    }

    /// Gives up the copies of descriptors of jobs that have been begun: they may be what somebody waits for the end of.
    pub(super) fn let_go(&mut self) {
        if self.lent == 0 {
            return;
        }
        let (mut gone, mut left) = (false, 0);
        for (job, number) in self.window.iter_mut().zip(self.first..) {
            let Some(job) = job.as_mut().filter(|job| !job.fds.is_empty() || job.apart.is_some()) else { continue };
            if self.region.request(number).state.load(SeqCst) == state::of(number, state::RUNNING) {
                job.fds.clear();
                job.apart = None;
                gone = true;
            } else {
                left += 1;
            }
        }
        self.lent = left;
        if gone {
            memory::sent();
        }
    }

    /// Says that a thread is about to sleep until there are so many more replies (rule 6); false if there are some.
    pub(super) fn want(&mut self, more: u64, whom: u32) -> bool {
        if self.is_damaged {
            return true;
        }
        let control = self.region.control();
        control.wanted.0.whom.store(whom, SeqCst);
        control.wanted.0.replies.store(self.taken + more, SeqCst);
        let none = control.replied.0.load(SeqCst) == self.taken;
        // what was begun before this was not rung for
        self.let_go();
        none
    }

    /// Takes that back.
    pub(super) fn want_nothing(&self) {
        self.region.control().wanted.0.replies.store(NEVER, SeqCst);
    }

    /// Where replies come, and how many have been taken.
    pub(super) fn replies(&self) -> (Arc<Region>, u64) {
        (Arc::clone(&self.region), self.taken)
    }

    /// Tells it to end when it has nothing to do.
    pub(super) fn dismiss(&mut self) {
        self.is_dismissed = true;
        self.region.control().wanted.0.closing.store(1, SeqCst);
        self.wake();
    }

    /// What it had, when it has ended: first what it had begun, in order, then what it had not.
    pub(super) fn leave_behind(&mut self) -> (Vec<Job>, Vec<Job>) {
        let first = self.first;
        let jobs = std::mem::take(&mut self.window).into_iter().zip(first..);
        // what is neither was overwritten, and is not to be done again
        let began = |number| self.region.request(number).state.load(SeqCst) != state::of(number, state::QUEUED);
        let (begun, queued): (Vec<_>, Vec<_>) =
            jobs.filter_map(|(job, number)| Some((job?, number))).partition(|(_, number)| began(*number));
        let only = |jobs: Vec<(Job, u64)>| jobs.into_iter().map(|(job, _)| job).collect();
        (only(begun), only(queued))
    }

    /// Ends it, if it has not ended, and takes its status.
    pub(super) fn end(&mut self) -> Result<ExitStatus, crate::JoinError> {
        self.has_ended = true;
        // one that has ended is not there to be killed
        let _ = self.process.kill();
        self.process.join()
    }
}

/// One that nobody has ended is of no use to anybody.
impl Drop for Member {
    fn drop(&mut self) {
        if !self.has_ended {
            // if it cannot be killed or waited for, it ends with this process
            let _ = self.end();
        }
    }
}
