//! A worker, from outside: its process, and the pool's side of its region.

use std::collections::VecDeque;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::time::{Duration, Instant};

use super::PoolError;
use super::area::Area;
use super::engine::Bells;
use super::error::Kind;
use super::job::{Job, Part, What};
use super::region::{DATA, ENTRIES, Region, call, flags, progress, state};
use super::settings::Settings;
use super::shelf::Shelf;
use super::tail::Tail;
use super::terms::Terms;
use super::worker::{Tools, serve};
use crate::connection::{Connection, RecvError, SendError, Untyped, pipe};
use crate::memory;
use crate::process::{ExitStatus, Process};
use crate::raw::doorbell::Sleeper;
use crate::sys::{clock, futex, limits, memory_file, pidfd, signals, statm, wait};

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
    /// How many requests it had passed when there was no place for another one, which a sleeper has not asked to be rung for yet.
    full: Option<u64>,
    /// How many requests went with descriptors of which this process has copies still, or had when it looked last.
    lent: usize,
    /// How many replies have been taken.
    taken: u64,
    /// How many calls it has made, as far as replies have been taken.
    calls: u64,
    /// How much memory it takes.
    statm: File,
    /// How much this process had taken at most when it was started.
    parents_peak: u64,
    /// What it writes to its standard error, if that is captured.
    pub(super) tail: Option<Tail>,
    /// The call that it is being killed for (rule 6).
    condemned: Option<Sentence>,
    /// It has said so.
    pub(super) is_ready: bool,
    /// When it closed its socket.
    pub(super) left: Option<Instant>,
    /// It has overwritten what it is not to write, and is being killed.
    is_damaged: bool,
    /// It takes no more requests (rule 7).
    is_retiring: bool,
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

/// What a part of a reply means for its job.
pub(super) enum Reply {
    /// Its outcome is on its shelf.
    Done,
    /// It has others.
    More,
    /// The worker hands back what is left of it.
    Back(Job),
}

/// Why a call was condemned.
#[derive(Clone, Copy)]
pub(super) enum Sentence {
    /// It took longer than this.
    Time(Duration),
    /// With it, the worker took more memory than this; how much.
    Memory { limit: u64, resident: u64 },
}

impl Member {
    /// Starts one, which will not be ready at once.
    pub(super) fn start(name: String, settings: &Settings, bells: &Bells) -> Result<Self, PoolError> {
        let os = |action| move |source| PoolError::Os { action, source };
        let (socket, theirs) = pipe::<Untyped, Untyped>().map_err(os("make a pipe"))?;
        let (region, files) = Region::create().map_err(os("make shared memory"))?;
        let bells = bells.copies().map_err(os("copy a descriptor"))?;
        let tools = Tools { socket: theirs, files, bells, most: settings.most(), workers: settings.workers() };
        let mut builder = Process::builder().name(name).daemon(true);
        let tail = match settings.captures_stderr {
            true => {
                let (tail, theirs) = Tail::new().map_err(os("make a pipe"))?;
                builder = builder.stderr(theirs);
                Some(tail)
            }
            false => None,
        };
        let process = builder.spawn(serve, tools)?;
        let limit = |most| limits::address_space(process.pid(), most).map_err(os("limit the memory of a worker"));
        let limited = settings.address_space.map_or(Ok(()), limit);
        let statm = limited.and_then(|()| statm::open(Some(process.pid())).map_err(os("open /proc/PID/statm")));
        let statm = statm.inspect_err(|_| {
            // nobody would ever ask it for anything; if it cannot be killed or waited for, it ends with this process
            let _ = process.kill();
            let _ = process.join();
        })?;
        Ok(Self {
            process,
            socket: Arc::new(socket),
            region: Arc::new(region),
            area: Area::new(DATA),
            window: VecDeque::new(),
            first: 0,
            open: 0,
            full: None,
            lent: 0,
            taken: 0,
            calls: 0,
            statm,
            parents_peak: pidfd::own_peak(),
            tail,
            condemned: None,
            is_ready: false,
            left: None,
            is_damaged: false,
            is_retiring: false,
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
        self.is_ready
            && self.left.is_none()
            && !self.is_damaged
            && !self.is_dismissed
            && !self.is_retiring
            && self.condemned.is_none()
    }

    /// How many requests it has that it has not answered.
    pub(super) fn open(&self) -> usize {
        self.open
    }

    /// Whether all that it has is for one shelf.
    pub(super) fn has_only(&self, shelf: &Shelf) -> bool {
        self.window.iter().flatten().all(|job| std::ptr::eq(&*job.shelf, shelf))
    }

    /// Whether there was no place for a request, and it may be that no reply will make any.
    pub(super) fn is_full(&self) -> bool {
        self.full.is_some()
    }

    /// Gives it a job (rule 1).
    pub(super) fn give(&mut self, mut job: Job) -> Given {
        let number = self.first + self.window.len() as u64;
        let passed = self.region.control().passed.0.load(SeqCst).min(number);
        if number - passed >= ENTRIES as u64 {
            self.full = Some(passed);
            return Given::No(job);
        }
        let apart = job.bytes.len() > DATA / 2;
        let len = if apart { 0 } else { job.bytes.len() };
        let Some(offset) = self.area.place(len) else { return Given::No(job) };
        if apart && !job.is_apart() {
            match memory_file::of(c"carom-request", &job.bytes) {
                Ok(file) => job.set_apart(file),
                Err(error) => {
                    self.area.undo();
                    return Given::Failed(job, SendError::Io(error));
                }
            }
        }
        let mut fds = 0;
        if job.has_fds() {
            match self.send(number, &job) {
                Ok(sent) => fds = sent,
                Err(error) => {
                    self.area.undo();
                    return Given::Failed(job, error);
                }
            }
        }
        self.region.write_request(offset, if apart { &[] } else { &job.bytes });
        let entry = self.region.request(number);
        let terms = &job.shelf.terms;
        entry.state.store(state::of(number, state::QUEUED), Relaxed);
        entry.task.store(job.shelf.task.id, Relaxed);
        entry.offset.store(offset as u32, Relaxed);
        entry.len.store(len as u32, Relaxed);
        entry.fds.store(fds, Relaxed);
        let guarded = if terms.look.is_some() { flags::GUARDED } else { 0 };
        let bulk = if job.bulk { flags::BULK } else { 0 };
        entry.flags.store(guarded | bulk | if apart { flags::APART } else { 0 }, Relaxed);
        entry.count.store(job.count, Relaxed);
        entry.skip.store(job.done, Relaxed);
        entry.attempt.store(job.attempt, Relaxed);
        // a limit of no time is one of some
        let soft = terms.soft_timeout.map_or(0, |soft| u64::try_from(soft.as_nanos()).unwrap_or(u64::MAX).max(1));
        entry.soft.store(soft, Relaxed);
        self.window.push_back(Some(job));
        self.open += 1;
        self.lent += usize::from(fds > 0);
        self.region.control().requested.0.store(number + 1, SeqCst);
        self.wake(Sleeper::FOR_A_REQUEST);
        Given::Yes
    }

    /// Sends the descriptors of a job; how many there are.
    fn send(&self, number: u64, job: &Job) -> Result<u32, SendError> {
        let patience = || match wait::writable_or_ended(&*self.socket, &self.process).map_err(SendError::Io)? {
            true => Ok(()),
            false => Err(SendError::Disconnected),
        };
        let copies = job.fds().map(OwnedFd::try_clone).collect::<Result<Vec<_>, _>>().map_err(SendError::Io)?;
        self.socket.send_message(&number.to_ne_bytes(), &copies, &patience)?;
        Ok(copies.len() as u32)
    }

    /// Wakes it if that is what it sleeps for (rule 8).
    fn wake(&self, what: u32) {
        let asleep = &self.region.control().asleep.0;
        if asleep.is_to_be_woken(what) {
            futex::wake_one(asleep.word());
        }
    }

    /// Takes the next part of a reply (rule 2).
    pub(super) fn reply(&mut self) -> Option<Reply> {
        let region = &self.region;
        let replied = region.control().replied.0.load(SeqCst);
        if replied <= self.taken || self.is_damaged {
            return None;
        }
        if replied - self.taken > ENTRIES as u64 {
            // rule 10; that it has ended is found as with any other
            self.is_damaged = true;
            let _ = self.process.kill();
            return None;
        }
        let entry = region.reply(self.taken);
        let (request, items) = (entry.state.load(Relaxed), entry.count.load(Relaxed));
        let (flags, with_fds) = (entry.flags.load(Relaxed), entry.fds.load(Relaxed) > 0);
        // it is another author's (rule 10)
        let place = self.place_of(request);
        let what = self.read(place, entry.offset.load(Relaxed), entry.len.load(Relaxed), flags, with_fds);
        self.taken += 1;
        self.region.control().taken.0.store(self.taken, SeqCst);
        self.wake(Sleeper::FOR_ROOM);
        self.calls += u64::from(items);
        self.is_retiring |= flags & flags::RETIRES != 0;
        let Some(place) = place else { return Some(Reply::More) };
        Some(self.answered(place, items, what, flags & flags::BACK != 0))
    }

    /// Copies what a part says of the job at a place.
    fn read(&self, place: Option<usize>, offset: u32, len: u32, flags: u32, with_fds: bool) -> What {
        let job = place.and_then(|place| self.window[place].as_ref());
        let mut bytes = job.map_or_else(Vec::new, |job| job.shelf.buffers.take((len as usize).min(DATA)));
        let mut whole = self.region.read_reply(offset as usize, len as usize, &mut bytes);
        let mut fds = Vec::new();
        if with_fds {
            match self.socket.try_receive_message() {
                Ok((_, received)) => fds = received,
                // whatever the part was to be, its bytes are not to be taken for it
                Err(RecvError::DescriptorsLost) => {
                    let reason = "its reply came with descriptors that this process may not open";
                    return What::Failed(Kind::Refused(reason.to_owned()));
                }
                Err(_) => whole = false,
            }
        }
        if flags & flags::APART != 0 {
            whole &= !fds.is_empty() && memory_file::read_all(&File::from(fds.remove(0)), &mut bytes).is_ok();
        }
        match flags & (flags::NUMBERS | flags::BULK) {
            _ if !whole => What::Failed(Kind::Refused("its reply is not one".to_owned())),
            flags::NUMBERS => What::Numbers(bytes),
            flags::BULK => What::Bulk(bytes),
            _ => What::Records(bytes, fds),
        }
    }

    /// The place in the window of a request that is open.
    fn place_of(&self, request: u64) -> Option<usize> {
        let place = usize::try_from(request.checked_sub(self.first)?).ok()?;
        self.window.get(place)?.is_some().then_some(place)
    }

    /// There are results of the job at this place.
    fn answered(&mut self, place: usize, items: u32, what: What, back: bool) -> Reply {
        let Some(job) = self.window[place].take() else { return Reply::More };
        let part = match items <= job.left() && (items > 0 || back) {
            true => Part { count: items, what },
            false => Part { count: job.left(), what: What::Failed(Kind::Refused("its reply is not one".to_owned())) },
        };
        let left = if part.count == 0 { Some(job) } else { job.add(part) };
        match left {
            Some(job) if !back => {
                self.window[place] = Some(job);
                Reply::More
            }
            left => {
                self.closed();
                left.map_or(Reply::Done, Reply::Back)
            }
        }
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
                // the worker does not read its bytes; its entry is free when the worker has passed it
                self.closed();
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
            let Some(job) = job.as_mut().filter(|job| job.has_fds()) else { continue };
            if self.region.request(number).state.load(SeqCst) == state::of(number, state::RUNNING) && job.let_go() {
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

    /// Says that a thread is about to sleep until there are so many more replies (rule 9); false if there are some.
    pub(super) fn want(&mut self, more: u64, whom: u32) -> bool {
        if self.is_damaged {
            return true;
        }
        let control = self.region.control();
        let none = control.wanted.0.wish.want(&control.replied.0, self.taken, more, whom);
        // what it passed before this was not rung for
        let is_full = self.full.take().is_none_or(|passed| control.passed.0.load(SeqCst) == passed);
        // what was begun before this was not rung for
        self.let_go();
        none && is_full
    }

    /// Takes that back.
    pub(super) fn want_nothing(&self) {
        self.region.control().wanted.0.wish.want_nothing();
    }

    /// Where replies come, and how many have been taken.
    pub(super) fn replies(&self) -> (Arc<Region>, u64) {
        (Arc::clone(&self.region), self.taken)
    }

    /// Tells it to end when it has nothing to do.
    pub(super) fn dismiss(&mut self) {
        self.is_dismissed = true;
        self.region.control().wanted.0.closing.store(1, SeqCst);
        self.wake(Sleeper::FOR_A_REQUEST);
    }

    /// What it had, when it has ended, in order: whether a call of it had been begun, which is so of one at most; what had
    /// results is in the job (rules 4 and 5).
    pub(super) fn leave_behind(&mut self) -> Vec<(Job, bool)> {
        let mut left = Vec::new();
        self.read_open_part();
        for (number, job) in (self.first..).zip(std::mem::take(&mut self.window)) {
            let Some(job) = job else { continue };
            // what is neither was overwritten, and is not to be done again
            let begun = self.region.request(number).state.load(SeqCst) != state::of(number, state::QUEUED);
            left.push((job, begun));
        }
        self.open = 0;
        left
    }

    /// Takes the results of the part that has not been published.
    fn read_open_part(&mut self) {
        let open = &self.region.control().open.0;
        let Some((items, len)) = progress::read(open.progress.load(SeqCst), self.taken) else { return };
        let Some(place) = self.place_of(open.request.load(Relaxed)) else { return };
        if items > 0 && !self.is_damaged {
            let what = self.read(Some(place), open.offset.load(Relaxed), len as u32, open.flags.load(Relaxed), false);
            self.calls += u64::from(items);
            // if those were all, it was about to say so
            let _ = self.answered(place, items, what, false);
        }
    }

    /// Whether it takes no more requests, because it has made as many calls as it was to, or takes too much memory (rule 7).
    pub(super) fn is_retiring(&self) -> bool {
        self.is_retiring
    }

    /// How many calls it has made, as far as replies have been taken.
    pub(super) fn calls(&self) -> u64 {
        self.calls
    }

    /// How many bytes of memory it takes; none when it has ended.
    pub(super) fn resident(&self) -> Option<u64> {
        statm::resident(&self.statm).ok().filter(|resident| *resident > 0)
    }

    /// How many bytes it took at most, when it has ended; none if that is not known.
    pub(super) fn peak_memory(&self) -> Option<u64> {
        self.process.peak().filter(|peak| *peak > self.parents_peak)
    }

    /// For how long it has made the call that it was making when it was looked at last.
    pub(super) fn run_time(&self) -> Duration {
        let begun = self.region.control().call.0.begun.load(SeqCst);
        Duration::from_nanos(clock::nanoseconds().saturating_sub(begun))
    }

    /// The job of which a call that can be ended is being made, and the word that says which (rule 6).
    fn guarded_call(&self) -> Option<(&Job, u64)> {
        let word = self.region.control().call.0.state.load(SeqCst);
        let (request, call::RUNNING) = call::read(word) else { return None };
        let place = call::end_of(request.wrapping_sub(self.first)) as usize;
        Some((self.window.get(place)?.as_ref()?, word))
    }

    /// Kills it if the call that it makes has passed a limit; otherwise, after how long it is to be looked at again, if it is.
    pub(super) fn look(&mut self, deadly_memory: Option<u64>) -> Option<Duration> {
        if self.condemned.is_some() {
            return None;
        }
        let Some((job, word)) = self.guarded_call() else {
            // a call that has not begun ends no sooner than the limit from now on
            let looks = self.window.iter().flatten().filter_map(|job| job.shelf.terms.look);
            return looks.min();
        };
        let Terms { timeout, look, .. } = job.shelf.terms;
        let left = timeout.map(|timeout| timeout.saturating_sub(self.run_time()));
        let resident = deadly_memory.and_then(|limit| Some((limit, self.resident()?)));
        let sentence = match (timeout, left, resident) {
            (Some(limit), Some(Duration::ZERO), _) => Sentence::Time(limit),
            (.., Some((limit, resident))) if resident > limit => Sentence::Memory { limit, resident },
            _ => return left.into_iter().chain(look.filter(|_| deadly_memory.is_some())).min(),
        };
        let state = &self.region.control().call.0.state;
        if state.compare_exchange(word, word ^ call::RUNNING ^ call::CONDEMNED, SeqCst, SeqCst).is_ok() {
            self.condemned = Some(sentence);
            self.kill_group();
            return None;
        }
        // it has just been done
        look
    }

    /// Why the call that it made was ended, if it was.
    pub(super) fn sentence(&self) -> Option<Sentence> {
        self.condemned
    }

    /// Kills it and the processes that its tasks have started, but for those that have left its group.
    pub(super) fn kill_group(&self) {
        // until it is reaped, the number is its own, and that of its group; one that has not made the group yet has no processes
        signals::kill_group(self.process.pid());
        // one that cannot be killed has ended
        let _ = self.process.kill();
    }

    /// Ends it, if it has not ended, and takes its status.
    pub(super) fn end(&mut self) -> Result<ExitStatus, crate::JoinError> {
        self.has_ended = true;
        // what the tasks of one that has ended in peace have left running is theirs
        if !(self.process_has_ended() && (self.is_dismissed || self.is_retiring())) {
            self.kill_group();
        }
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
