//! Which worker does what, and who looks for replies.
//!
//! Jobs wait in one queue until a worker has room for them; a worker that has nothing to do takes what another one has not begun.
//! All of this is done by whatever thread of the program is there, under one lock that no worker knows of.
//!
//! 1. A thread that waits for outcomes takes replies itself, of all workers, and sleeps until one of them rings its bell (the
//!    driver). There is one such thread at most; others wait at their shelves.
//! 2. When there is none, the reactor, which is a thread of the pool's own, is the one that is rung for. It also looks after the
//!    workers: whether they have ended, and others have to be started.
//! 3. A worker that ends costs the call that it was making, and no other. What it had replied is delivered.
//! 4. Every job gets one outcome. It is put on its shelf under the lock, so that no thread can look there, not find it, and sleep
//!    before it is put there; the driver, which does not sleep at its shelf, is rung for.
//! 5. Where no worker can be started, jobs are left to the other workers if there are any, and told otherwise: a program that
//!    cannot start workers does not try for ever.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::PoolError;
use super::buffers::Buffers;
use super::error::Kind;
use super::handoff::{DRIVER, Handoff, REACTOR, more};
use super::job::Job;
use super::member::{Given, Member, Reply};
use super::region::Region;
use super::settings::Settings;
use super::shelf::Shelf;
use super::spin::Spin;
use super::tail::Tail;
use crate::SendError;
use crate::connection::Fd;
use crate::process::Process;
use crate::sys::wait::Bell;

/// What pool and reactor share.
pub(super) struct Engine {
    state: Mutex<State>,
    pub(super) bells: Bells,
    pub(super) settings: Settings,
    pub(super) buffers: Arc<Buffers>,
    /// How many workers there are to be.
    count: usize,
    /// Until somebody has waited for it.
    reactor: Mutex<Option<JoinHandle<()>>>,
    /// Numbers for the names of workers.
    started: AtomicUsize,
}

pub(super) struct State {
    queue: VecDeque<Job>,
    pub(super) phase: Phase,
    pub(super) slots: Vec<Slot>,
    /// Workers that are to take the place of others soon.
    pub(super) spares: Vec<Member>,
    /// Workers whose place another one has taken, and that are about to end.
    pub(super) leaving: Vec<Member>,
    /// What workers that have ended had written to their standard error, and is to be passed on.
    pub(super) last_words: Vec<Tail>,
    /// When the last of the spares could not be started.
    pub(super) spare_failed: Option<Instant>,
    /// Who takes replies, and is to be rung for.
    pub(super) handoff: Handoff<Instant>,
    /// How drivers have fared with spinning.
    spin: Spin,
}

/// A worker's place.
pub(super) enum Slot {
    Vacant(Vacancy),
    /// And how often one has been started there in a row.
    Filled(Box<Member>, u8),
}

pub(super) struct Vacancy {
    pub(super) since: Instant,
    /// Why the last one could not be started, if that is it.
    pub(super) why: Option<Arc<PoolError>>,
    pub(super) tries: u8,
}

impl Slot {
    pub(super) fn member(&mut self) -> Option<&mut Member> {
        match self {
            Self::Filled(member, _) => Some(member),
            Self::Vacant(_) => None,
        }
    }

    fn ready(&mut self) -> Option<&mut Member> {
        self.member().filter(|member| member.is_fit())
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    Open,
    /// What is in the queue is done, and nothing is added.
    Closed,
    Terminated,
}

/// The two that workers ring.
pub(super) struct Bells([Bell; 2]);

impl Bells {
    fn new() -> io::Result<Self> {
        Ok(Self([Bell::new()?, Bell::new()?]))
    }

    pub(super) fn copies(&self) -> io::Result<[Fd<File>; 2]> {
        Ok([Fd(self.0[0].copy()?), Fd(self.0[1].copy()?)])
    }

    fn of(&self, whom: u32) -> &Bell {
        &self.0[whom as usize]
    }

    pub(super) fn reactors(&self) -> &Bell {
        self.of(REACTOR)
    }
}

impl Engine {
    pub(super) fn new(count: usize, settings: Settings) -> io::Result<Self> {
        let state = State {
            queue: VecDeque::new(),
            phase: Phase::Open,
            slots: Vec::new(),
            spares: Vec::new(),
            leaving: Vec::new(),
            last_words: Vec::new(),
            spare_failed: None,
            handoff: Handoff::default(),
            spin: Spin::new(1),
        };
        let bells = Bells::new()?;
        let (state, reactor, started) = (Mutex::new(state), Mutex::default(), AtomicUsize::new(0));
        Ok(Self { state, bells, settings, buffers: Arc::default(), count, reactor, started })
    }

    pub(super) fn has_reactor(&self, thread: JoinHandle<()>) {
        *self.reactor.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread);
    }

    pub(super) fn next_name(&self) -> String {
        format!("PoolWorker-{}", self.started.fetch_add(1, Ordering::Relaxed) + 1)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // no call into anything that can panic is made under the lock
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn processes(&self) -> usize {
        self.count
    }

    pub(super) fn worker_pids(&self) -> Vec<u32> {
        self.processes_of_workers().iter().map(Process::pid).collect()
    }

    fn processes_of_workers(&self) -> Vec<Process> {
        let mut state = self.lock();
        state.slots.iter_mut().filter_map(Slot::member).map(|member| member.process.clone()).collect()
    }

    /// Adds jobs. The caller waits for outcomes soon, or else [leaves](Self::leave).
    pub(super) fn add(&self, jobs: impl IntoIterator<Item = Job>) {
        let mut state = self.lock();
        let refusal = match state.phase {
            Phase::Open => None,
            Phase::Closed => Some(Kind::Closed),
            Phase::Terminated => Some(Kind::Terminated),
        };
        if let Some(kind) = refusal {
            drop(state);
            return jobs.into_iter().for_each(|job| job.fail(kind.clone()));
        }
        if !state.queue.is_empty() {
            // there was no room for others
            state.take_replies();
        }
        state.queue.extend(jobs);
        state.distribute();
        let needs_reactor = state.needs_reactor();
        if state.handoff.is_urgent(needs_reactor) {
            self.after(state);
        }
    }

    /// Leaves it to others to take replies.
    pub(super) fn leave(&self) {
        self.after(self.lock());
    }

    /// What has to be done after something was done under the lock, by a thread that does not wait.
    pub(super) fn after(&self, mut state: MutexGuard<'_, State>) {
        let needs_reactor = state.needs_reactor();
        let State { handoff, slots, .. } = &mut *state;
        let [driver, reactor] = handoff.after(needs_reactor, || want(slots, REACTOR, |_| true));
        drop(state);
        if driver {
            self.bells.of(DRIVER).ring();
        }
        if reactor {
            self.bells.of(REACTOR).ring();
        }
    }

    /// Waits until `count` outcomes are on a shelf, or fewer that hold much memory, or it is time; whether any are there, or the
    /// last have been taken.
    pub(super) fn wait(&self, shelf: &Shelf, count: usize, deadline: Option<Instant>) -> bool {
        let mut state = self.lock();
        let mut drives = false;
        loop {
            state.take_replies();
            state.distribute();
            if shelf.has(count) || deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                break;
            }
            if !state.handoff.drive(&mut drives) {
                // some of what was taken may be what the driver waits for
                self.after(state);
                if shelf.wait(count, deadline) {
                    return true;
                }
                state = self.lock();
                continue;
            }
            if state.spin.is_worth() {
                let (regions, mut spin) = (state.regions(), state.spin);
                drop(state);
                let found = spin.until(|| regions.iter().any(|(region, taken)| region.has_replied(*taken)));
                state = self.lock();
                state.spin = spin;
                if found || state.handoff.has_news {
                    continue;
                }
            }
            if !want(&mut state.slots, DRIVER, |member| count == 1 || !member.has_only(shelf)) {
                if state.handoff.rings_reactor() {
                    self.bells.of(REACTOR).ring();
                }
                let nap = state.spin.nap();
                drop(state);
                self.bells.of(DRIVER).wait(deadline);
                state = self.lock();
                state.spin.woken(nap);
                state.want_nothing();
            }
        }
        state.handoff.stop(drives);
        // jobs may have been given to workers whose replies nobody would be rung for
        self.after(state);
        shelf.has_any()
    }

    /// Takes the jobs of one caller that have not been begun.
    pub(super) fn forget(&self, shelf: &Arc<Shelf>) {
        shelf.take_last();
        let mut state = self.lock();
        let is_its = |job: &Job| Arc::ptr_eq(&job.shelf, shelf);
        let mut jobs: Vec<Job> = Vec::new();
        for member in state.slots.iter_mut().filter_map(Slot::member) {
            jobs.extend(std::iter::from_fn(|| member.revoke(is_its)));
        }
        state.queue.retain(|job| !is_its(job));
        state.distribute();
        drop(state);
    }

    /// Lets workers end when there are no jobs.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.phase = state.phase.max(Phase::Closed);
        drop(state);
        self.bells.of(REACTOR).ring();
    }

    /// Ends everything.
    pub(super) fn terminate(&self) {
        let mut state = self.lock();
        state.terminate();
        self.after(state);
        self.bells.of(REACTOR).ring();
    }

    /// Waits until all workers have ended.
    pub(super) fn wait_for_end(&self) {
        // the lock is held while the first caller waits, and so the others wait too
        let mut reactor = self.reactor.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(thread) = reactor.take() {
            // one that has panicked has ended
            let _ = thread.join();
        }
    }
}

impl State {
    /// Says of all calls of a job that are left why they have no result.
    pub(super) fn fail(&mut self, job: Job, kind: Kind) {
        self.handoff.has_news = true;
        job.fail(kind);
    }

    /// Takes what workers have replied.
    pub(super) fn take_replies(&mut self) {
        for place in 0..self.slots.len() {
            let Some(member) = self.slots[place].member() else { continue };
            let (news, back) = take_replies_of(member);
            let retires = member.is_retiring();
            member.let_go();
            self.handoff.has_news |= news;
            if retires {
                self.retire(place);
            }
            back.into_iter().rev().for_each(|job| self.take_back(job));
        }
    }

    /// A worker makes no more calls: another one takes its place.
    fn retire(&mut self, place: usize) {
        let next = self.successor();
        if let Slot::Filled(mut member, _) = std::mem::replace(&mut self.slots[place], next) {
            while let Some(job) = member.revoke(|_| true) {
                self.take_back(job);
            }
            self.leaving.push(*member);
        }
        self.handoff.calls_reactor = true;
    }

    /// What takes the place of a worker: one that has been started for that, if there is one.
    pub(super) fn successor(&mut self) -> Slot {
        let ready = self.spares.iter().position(|spare| spare.is_fit());
        match ready.or((!self.spares.is_empty()).then_some(0)) {
            Some(spare) => Slot::Filled(Box::new(self.spares.swap_remove(spare)), 0),
            None => Slot::Vacant(Vacancy { since: Instant::now(), why: None, tries: 0 }),
        }
    }

    /// Gives workers what is in the queue, and those who have nothing what others have not begun.
    pub(super) fn distribute(&mut self) {
        while let Some(job) = self.queue.pop_front() {
            let least = self.slots.iter_mut().filter_map(Slot::ready).min_by_key(|member| member.open());
            let Some(member) = least else { return self.queue.push_front(job) };
            let look = job.shelf.terms.look;
            match member.give(job) {
                Given::Yes => self.has_given(look),
                Given::No(job) => return self.queue.push_front(job),
                // it has ended, or is about to
                Given::Failed(job, SendError::Disconnected) => return self.queue.push_front(job),
                Given::Failed(job, error) => self.fail(job, Kind::NotSent(Arc::new(error))),
            }
        }
        while let Some(idle) = self.slots.iter_mut().position(|slot| slot.ready().is_some_and(|m| m.open() == 0)) {
            let open = |slot: &mut Slot| slot.member().map_or(0, |member| member.open());
            let Some(fullest) = (0..self.slots.len()).max_by_key(|i| open(&mut self.slots[*i])) else { return };
            if open(&mut self.slots[fullest]) < 2 {
                return;
            }
            let Some(job) = self.slots[fullest].member().and_then(|member| member.revoke(|_| true)) else { return };
            let look = job.shelf.terms.look;
            // the driver may wait for as many replies as that one has no more, and what comes in their place may be another caller's
            self.handoff.has_news = true;
            match self.slots[idle].member().map(|member| member.give(job)) {
                Some(Given::Yes) | None => self.has_given(look),
                // it is sent, or refused, when it is its turn
                Some(Given::No(job) | Given::Failed(job, _)) => return self.queue.push_front(job),
            }
        }
    }

    /// A worker was given a job, and is to be looked at after so long.
    fn has_given(&mut self, look: Option<Duration>) {
        if let Some(look) = look.and_then(|look| Instant::now().checked_add(look)) {
            self.handoff.given(look);
        }
    }

    /// Puts a job back that was not begun.
    pub(super) fn take_back(&mut self, job: Job) {
        if self.phase == Phase::Terminated {
            self.fail(job, Kind::Terminated);
        } else if !job.shelf.is_over() {
            self.queue.push_front(job);
        }
    }

    pub(super) fn queue_is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Ends all jobs and all workers; those have to be waited for.
    pub(super) fn terminate(&mut self) {
        self.phase = Phase::Terminated;
        self.take_replies();
        let mut jobs: Vec<Job> = self.queue.drain(..).collect();
        for member in self.slots.iter_mut().filter_map(Slot::member) {
            jobs.extend(member.leave_behind().into_iter().map(|(job, _)| job));
        }
        let members = self.slots.iter_mut().filter_map(Slot::member);
        members.for_each(|member| member.kill_group());
        self.spares.iter().chain(&self.leaving).for_each(|member| member.kill_group());
        jobs.into_iter().for_each(|job| self.fail(job, Kind::Terminated));
    }

    /// Takes all that are queued.
    pub(super) fn give_up(&mut self, error: &Arc<PoolError>) {
        while let Some(job) = self.queue.pop_front() {
            self.fail(job, Kind::NoWorker(Arc::clone(error)));
        }
    }

    /// Whether jobs wait, and nobody is there to do them.
    fn needs_workers(&mut self) -> bool {
        !self.queue_is_empty() && self.slots.iter_mut().all(|slot| slot.member().is_none())
    }

    /// Whether the reactor has something to do, as what there is says.
    fn needs_reactor(&mut self) -> bool {
        self.needs_workers() || self.can_dismiss()
    }

    /// Whether workers are to end, and have not been told: the reactor, which does that, does not hear of outcomes that a driver takes.
    fn can_dismiss(&mut self) -> bool {
        self.phase == Phase::Closed
            && self.queue_is_empty()
            && self.slots.iter_mut().filter_map(Slot::ready).any(|member| member.open() == 0)
    }

    /// Where replies can come, and how many have been taken there.
    fn regions(&mut self) -> Vec<(Arc<Region>, u64)> {
        self.slots.iter_mut().filter_map(Slot::ready).map(|member| member.replies()).collect()
    }

    fn want_nothing(&mut self) {
        self.slots.iter_mut().filter_map(Slot::member).for_each(|member| member.want_nothing());
    }
}

/// Says that a thread is about to sleep, until there is a reply or, where it need not be `soon`, there are some; true if there are
/// some already.
fn want(slots: &mut [Slot], whom: u32, soon: impl Fn(&Member) -> bool) -> bool {
    let mut some = false;
    for member in slots.iter_mut().filter_map(Slot::member) {
        if let Some(more) = more(whom, soon(member), member.open() as u64, member.is_full()) {
            some |= !member.want(more, whom);
        }
    }
    some
}

/// Takes what one worker has replied: whether there was something, and what it hands back.
pub(super) fn take_replies_of(member: &mut Member) -> (bool, Vec<Job>) {
    let (mut news, mut back) = (false, Vec::new());
    while let Some(reply) = member.reply() {
        news = true;
        if let Reply::Back(job) = reply {
            back.push(job);
        }
    }
    (news, back)
}
