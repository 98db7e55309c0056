//! A pool: its engine, as `runtime/src/pool/engine.rs` and `reactor.rs` have it, with the decisions of `handoff.rs`, workers with the
//! words of `raw::doorbell`, and callers.
//!
//! A caller sleeps for good where nobody brings its outcomes, and so does everybody else then: which is an end, and what each model
//! looks at. Some steps of a handshake, which the model of it has one by one, are one here. The engine's state is no atomic, and is changed under the lock only: a note has its hash when that is given back.

use std::cell::Cell;
use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::atomic::{AtomicU64, Ordering::SeqCst};
use crate::checker::{Bell, Lock, Model, Note, Or, at_once, has_ended, knows_only, next_part, sleep_until};
use crate::doorbell::Control;
use crate::handoff::{DRIVER, Handoff, REACTOR, more};
use crate::raw::doorbell::Sleeper;
use crate::words::Words;

const QUEUED: u64 = 0;
const RUNNING: u64 = 1;
const REVOKED: u64 = 2;
/// What a thread sleeps on that goes on in no other way.
const FOR_EVER: Or = Or { time: false, gone: 0 };

/// What is known of jobs and callers, each by its number.
const MOST: usize = 6;

#[derive(Clone, Copy, Hash, PartialEq)]
struct Job {
    shelf: usize,
    number: usize,
    has_limit: bool,
}

fn job(shelf: usize, number: usize) -> Job {
    Job { shelf, number, has_limit: false }
}

/// What a worker and its pool share.
struct Site {
    words: Words<Control, AtomicU64>,
    /// Of each request its job.
    jobs: Vec<Note>,
    /// Of each reply its request; there is always room.
    parts: Vec<Note>,
    started: Note,
    is_ready: Note,
    is_killed: Note,
}

#[derive(Hash)]
struct Member {
    site: usize,
    window: VecDeque<Option<Job>>,
    first: u64,
    open: u64,
    taken: u64,
    full: Option<u64>,
    is_ready: bool,
    is_dismissed: bool,
}

#[derive(Hash)]
struct State {
    handoff: Handoff<u8>,
    queue: VecDeque<Job>,
    slots: Vec<Option<Member>>,
    is_closed: bool,
    /// How many workers have been started.
    started: usize,
    forgotten: u64,
}

struct Pool {
    sites: Vec<Site>,
    /// How many requests a worker has at most.
    entries: u64,
    lock: Lock,
    state: Mutex<State>,
    hash: Note,
    bells: [Bell; 2],
    /// Of each job how many outcomes it has had, and of each shelf how many have come.
    outcomes: [Note; MOST],
    arrived: [Note; MOST],
    /// What the task of a job waits for, which another caller says, or never comes.
    said: [Note; MOST],
    waits_for: [Option<usize>; MOST],
    is_over: Note,
    /// A worker may die, or be killed.
    may_end: bool,
}

impl Pool {
    fn new(workers: usize, spares: usize, entries: u64) -> Self {
        let notes = |count: u64| (0..count).map(|_| Note::new()).collect();
        let site = |_| Site {
            words: Words::new(entries as usize),
            jobs: notes(entries),
            parts: notes(MOST as u64),
            started: Note::new(),
            is_ready: Note::new(),
            is_killed: Note::new(),
        };
        let state = State {
            handoff: Handoff::default(),
            queue: VecDeque::new(),
            slots: (0..workers).map(|site| Some(Member { is_ready: true, ..Member::new(site) })).collect(),
            is_closed: false,
            started: workers,
            forgotten: 0,
        };
        let five = || std::array::from_fn(|_| Note::new());
        let pool = Self {
            sites: (0..workers + spares).map(site).collect(),
            entries,
            lock: Lock::new(),
            state: Mutex::new(state),
            hash: Note::new(),
            bells: [Bell::new(), Bell::new()],
            outcomes: five(),
            arrived: five(),
            said: five(),
            waits_for: [None; MOST],
            is_over: Note::new(),
            may_end: spares > 0,
        };
        pool.sites[..workers].iter().for_each(|site| site.started.set(1));
        pool
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.lock.take();
        self.hash.get();
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the lock back; the caller knows nothing but this.
    #[track_caller]
    fn unlock(&self, state: MutexGuard<'_, State>, known: impl Hash + Copy) {
        let mut hasher = DefaultHasher::new();
        state.hash(&mut hasher);
        self.hash.set(hasher.finish());
        drop(state);
        self.lock.give_at_once();
        knows_only(known);
    }

    fn put(&self, job: Job) {
        assert_eq!(self.outcomes[job.number].add(1), 1, "a job has one outcome");
        self.arrived[job.shelf].add(1);
    }

    /// `Member::give`; false if there is no room.
    fn give(&self, member: &mut Member, job: Job) -> bool {
        let number = member.first + member.window.len() as u64;
        let control = self.control(member);
        let passed = control.passed.load(SeqCst).min(number);
        if number - passed >= self.entries {
            member.full = Some(passed);
            return false;
        }
        let site = &self.sites[member.site];
        site.jobs[(number % self.entries) as usize].set(job.number as u64);
        self.request(member.site, number).prepare(number << 2 | QUEUED);
        member.window.push_back(Some(job));
        member.open += 1;
        at_once(|| {
            control.requested.store(number + 1, SeqCst);
            control.wake(Sleeper::FOR_A_REQUEST);
        });
        true
    }

    fn control(&self, member: &Member) -> &Control {
        &self.sites[member.site].words.head
    }

    fn request(&self, site: usize, number: u64) -> &AtomicU64 {
        &self.sites[site].words.slots[(number % self.entries) as usize]
    }

    /// `take_replies_of`; whether there were some.
    fn take_replies_of(&self, member: &mut Member) -> bool {
        let mut news = false;
        while self.control(member).replied.load(SeqCst) > member.taken {
            let part = self.sites[member.site].parts[member.taken as usize].get();
            member.taken += 1;
            at_once(|| {
                self.control(member).taken.store(member.taken, SeqCst);
                self.control(member).wake(Sleeper::FOR_ROOM);
            });
            self.put(member.window[(part - member.first) as usize].take().expect("an open request"));
            member.closed();
            news = true;
        }
        news
    }

    fn take_replies(&self, state: &mut State) {
        for member in state.slots.iter_mut().flatten() {
            state.handoff.has_news |= self.take_replies_of(member);
        }
    }

    fn revoke(&self, member: &mut Member, which: impl Fn(&Job) -> bool) -> Option<Job> {
        for place in (0..member.window.len()).rev() {
            let number = member.first + place as u64;
            let Some(job) = member.window[place].filter(&which) else { continue };
            let (queued, revoked) = (number << 2 | QUEUED, number << 2 | REVOKED);
            if self.request(member.site, number).compare_exchange(queued, revoked, SeqCst, SeqCst).is_ok() {
                member.window[place] = None;
                member.closed();
                return Some(job);
            }
        }
        None
    }

    fn distribute(&self, state: &mut State) {
        let State { queue, slots, handoff, .. } = state;
        while let Some(job) = queue.pop_front() {
            let fit = slots.iter_mut().flatten().filter(|member| member.is_fit());
            let Some(member) = fit.min_by_key(|member| member.open) else { return queue.push_front(job) };
            if !self.give(member, job) {
                return queue.push_front(job);
            }
            if job.has_limit {
                handoff.given(1);
            }
        }
        let is_idle = |slot: &Option<Member>| slot.as_ref().is_some_and(|member| member.is_fit() && member.open == 0);
        while let Some(idle) = slots.iter().position(is_idle) {
            let fullest = slots.iter_mut().flatten().max_by_key(|member| member.open).filter(|member| member.open > 1);
            let Some(job) = fullest.and_then(|member| self.revoke(member, |_| true)) else { return };
            handoff.has_news = true;
            if !slots[idle].as_mut().is_some_and(|member| self.give(member, job)) {
                return queue.push_front(job);
            }
        }
    }

    /// `State::want`.
    fn want(&self, slots: &mut [Option<Member>], whom: u32, soon: impl Fn(&Member) -> bool) -> bool {
        let mut some = false;
        for member in slots.iter_mut().flatten() {
            if let Some(more) = more(whom, soon(member), member.open, member.full.is_some()) {
                let control = self.control(member);
                some |= !control.wish.want(&control.replied, member.taken, more, whom);
                some |= member.full.take().is_some_and(|passed| control.passed.load(SeqCst) != passed);
            }
        }
        some
    }

    /// `State::needs_reactor`.
    fn needs_reactor(&self, state: &State) -> bool {
        let mut members = state.slots.iter().flatten();
        match state.queue.is_empty() {
            true => state.is_closed && members.any(|member| member.is_fit() && member.open == 0),
            false => members.next().is_none(),
        }
    }

    /// `Engine::after`; the caller knows nothing but this.
    #[track_caller]
    fn after(&self, mut state: MutexGuard<'_, State>, known: impl Hash + Copy) {
        let needs_reactor = self.needs_reactor(&state);
        let State { handoff, slots, .. } = &mut *state;
        let [driver, reactor] = handoff.after(needs_reactor, || self.want(slots, REACTOR, |_| true));
        self.unlock(state, (known, driver, reactor));
        if driver {
            self.bells[DRIVER as usize].ring();
            knows_only((known, reactor));
        }
        if reactor {
            self.bells[REACTOR as usize].ring();
        }
        knows_only(known);
    }

    fn add(&self, jobs: &[Job]) {
        next_part();
        knows_only(());
        let mut state = self.lock();
        if !state.queue.is_empty() {
            self.take_replies(&mut state);
        }
        state.queue.extend(jobs);
        self.distribute(&mut state);
        if state.handoff.is_urgent(self.needs_reactor(&state)) { self.after(state, 0) } else { self.unlock(state, 0) }
    }

    fn leave(&self) {
        next_part();
        knows_only(());
        self.after(self.lock(), 0);
    }

    /// Waits until there are so many outcomes on a shelf, or for some time; whether there are.
    fn wait(&self, shelf: usize, count: u64, or: Or) -> bool {
        next_part();
        let (mut drives, mut is_late) = (false, false);
        let arrived = &self.arrived[shelf];
        knows_only((drives, is_late));
        let mut state = self.lock();
        loop {
            self.take_replies(&mut state);
            self.distribute(&mut state);
            if arrived.get() >= count || is_late {
                break;
            }
            if !state.handoff.drive(&mut drives) {
                self.after(state, drives);
                if sleep_until(arrived, count, or) {
                    return true;
                }
                is_late = true;
                knows_only((drives, is_late));
                state = self.lock();
                continue;
            }
            let soon = count == arrived.get() + 1;
            if !self.want(&mut state.slots, DRIVER, |member| soon || !member.has_only(shelf)) {
                if state.handoff.rings_reactor() {
                    self.bells[REACTOR as usize].ring();
                }
                self.unlock(state, drives);
                is_late = !self.bells[DRIVER as usize].wait(or);
                knows_only((drives, is_late));
                state = self.lock();
                for member in state.slots.iter().flatten() {
                    self.control(member).wish.want_nothing();
                }
            }
        }
        state.handoff.stop(drives);
        let is_there = arrived.get() >= count;
        self.after(state, is_there);
        is_there
    }

    /// As who drops what waits for jobs.
    fn forget(&self, shelf: usize) {
        next_part();
        knows_only(());
        let mut state = self.lock();
        let of_shelf = |job: &Job| job.shelf == shelf;
        for place in 0..state.slots.len() {
            while let Some(member) = &mut state.slots[place]
                && let Some(job) = self.revoke(member, of_shelf)
            {
                state.forgotten |= 1 << job.number;
            }
        }
        let queued: u64 = state.queue.iter().filter(|job| of_shelf(job)).map(|job| 1 << job.number).sum();
        state.forgotten |= queued;
        state.queue.retain(|job| !of_shelf(job));
        self.distribute(&mut state);
        self.unlock(state, 0);
        self.leave();
    }

    fn join(&self) {
        next_part();
        knows_only(());
        let mut state = self.lock();
        state.is_closed = true;
        self.unlock(state, 0);
        self.bells[REACTOR as usize].ring();
        sleep_until(&self.is_over, 1, FOR_EVER);
    }

    /// The reactor, which has looked when there was nothing yet.
    fn react(&self) {
        let gone = self
            .state
            .lock()
            .map_or(0, |state| state.slots.iter().flatten().map(|member| 1 << name(member.site)).sum());
        self.bells[REACTOR as usize].wait(Or { time: false, gone });
        loop {
            knows_only(());
            let mut state = self.lock();
            self.take_replies(&mut state);
            self.look_after(&mut state);
            self.distribute(&mut state);
            if state.is_closed && state.queue.is_empty() {
                for member in state.slots.iter_mut().flatten().filter(|member| member.is_fit() && member.open == 0) {
                    member.is_dismissed = true;
                    at_once(|| {
                        self.control(member).closing.store(1, SeqCst);
                        self.control(member).wake(Sleeper::FOR_A_REQUEST);
                    });
                }
            }
            let ends = state.is_closed && state.queue.is_empty();
            let vacant = if ends { None } else { state.slots.iter().position(Option::is_none) };
            if ends && state.slots.iter().all(Option::is_none) {
                self.after(state, 0);
                return self.is_over.set(1);
            }
            let members = || state.slots.iter().flatten();
            let gone = members().map(|member| 1 << name(member.site)).sum();
            let looks = members().any(|member| member.window.iter().flatten().any(|job| job.has_limit));
            state.handoff.alarm = looks.then_some(1);
            let time = state.handoff.alarm.is_some();
            self.after(state, (vacant, time, gone));
            if let Some(place) = vacant {
                self.start(place);
            } else {
                self.bells[REACTOR as usize].wait(Or { time, gone });
            }
        }
    }

    fn start(&self, place: usize) {
        knows_only(place);
        let mut state = self.lock();
        let site = state.started;
        state.started += 1;
        self.sites[site].started.set(1);
        state.slots[place] = Some(Member::new(site));
        self.after(state, 0);
    }

    fn look_after(&self, state: &mut State) {
        for place in 0..state.slots.len() {
            let Some(member) = &mut state.slots[place] else { continue };
            let site = &self.sites[member.site];
            if !member.is_ready {
                member.is_ready = site.is_ready.get() > 0;
                state.handoff.has_news |= member.is_ready;
            } else if (self.may_end || state.is_closed) && has_ended(name(member.site)) {
                let mut member = state.slots[place].take().expect("it is there");
                state.handoff.has_news |= self.take_replies_of(&mut member);
                for (place, job) in std::mem::take(&mut member.window).into_iter().enumerate().rev() {
                    let (Some(job), number) = (job, member.first + place as u64) else { continue };
                    if self.request(member.site, number).load(SeqCst) == number << 2 | QUEUED {
                        state.queue.push_front(job);
                    } else {
                        state.handoff.has_news = true;
                        self.put(job);
                    }
                }
            } else if member.window.iter().flatten().any(|job| job.has_limit) {
                // it may have passed, if it has begun
                let number = member.first;
                if self.request(member.site, number).load(SeqCst) == number << 2 | RUNNING {
                    site.is_killed.set(1);
                }
            }
        }
    }

    /// A worker.
    fn work(&self, site: usize) {
        let shared = &self.sites[site];
        let control = &shared.words.head;
        if !sleep_until(&shared.started, 1, FOR_EVER) {
            return;
        }
        if shared.is_ready.get() == 0 && site > 0 {
            shared.is_ready.set(1);
            // its socket is watched by the reactor
            self.bells[REACTOR as usize].ring();
        }
        let ring = |whom: Option<u32>| whom.into_iter().for_each(|whom| self.bells[whom as usize].ring());
        let (mut done, mut replied, has_made_place) = (0, 0, Cell::new(false));
        loop {
            knows_only((done, replied, has_made_place.get()));
            let is_there = || control.requested.load(SeqCst) > done;
            let known = (done, replied);
            let is_told =
                control.wait_with(is_there, replied, Sleeper::FOR_A_REQUEST, &has_made_place, ring, known, |look| {
                    at_once(look)
                });
            if !is_told && !is_there() {
                return;
            }
            knows_only((done, replied, has_made_place.get()));
            let (queued, running) = (done << 2 | QUEUED, done << 2 | RUNNING);
            let begun = self.request(site, done).compare_exchange(queued, running, SeqCst, SeqCst);
            let job = shared.jobs[(done % self.entries) as usize].get() as usize;
            done += 1;
            if begun.is_err() {
                // no request is added while it is full, and it is not full later
                at_once(|| {
                    let is_full = control.requested.load(SeqCst) + 1 >= done + self.entries;
                    has_made_place.set(has_made_place.get() || is_full);
                    control.passed.store(done, SeqCst);
                });
                continue;
            }
            if let Some(awaited) = self.waits_for[job] {
                let awaited = if awaited == KILLED { &shared.is_killed } else { &self.said[awaited] };
                knows_only((done, replied, has_made_place.get()));
                sleep_until(awaited, 1, FOR_EVER);
                if shared.is_killed.get() > 0 {
                    return;
                }
            }
            shared.parts[replied as usize].set(done - 1);
            replied += 1;
            knows_only((done, replied, has_made_place.get()));
            control.passed.prepare(done);
            let whom = control.wish.reply(&control.replied, replied);
            knows_only((done, replied, whom, has_made_place.get()));
            ring(whom);
        }
    }

    /// At an end: no caller sleeps, nor does a job wait that could be done, nor has any no outcome that was not taken back.
    fn is_in_order(&self, asleep: u64, jobs: usize) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let callers = asleep >> name(self.sites.len());
        assert_eq!(callers, 0, "callers that sleep for ever: {callers:#b}");
        assert!(state.queue.is_empty(), "a job waits, and nobody does it");
        for number in (0..jobs).filter(|number| state.forgotten & 1 << number == 0) {
            assert_eq!(self.outcomes[number].get(), 1, "job {number} has no outcome");
        }
    }
}

impl Member {
    fn new(site: usize) -> Self {
        let (window, full, is_ready, is_dismissed) = (VecDeque::new(), None, false, false);
        Self { site, window, first: 0, open: 0, taken: 0, full, is_ready, is_dismissed }
    }

    fn closed(&mut self) {
        self.open -= 1;
        while let Some(None) = self.window.front() {
            self.window.pop_front();
            self.first += 1;
        }
    }

    fn has_only(&self, shelf: usize) -> bool {
        self.window.iter().flatten().all(|job| job.shelf == shelf)
    }

    fn is_fit(&self) -> bool {
        self.is_ready && !self.is_dismissed
    }
}

/// A worker's name; the reactor's is 1, and callers follow.
fn name(site: usize) -> u64 {
    site as u64 + 2
}

/// What a task waits for that ends by its limit only.
const KILLED: usize = MOST;
const TIME: Or = Or { time: true, gone: 0 };

/// A pool with so many workers, and others to take their places, where a worker has so many requests at most.
fn model(name: &'static str, workers: usize, spares: usize, entries: u64) -> Model<Pool> {
    model_with(name, workers, spares, entries, [None; MOST])
}

fn model_with(
    name: &'static str,
    workers: usize,
    spares: usize,
    entries: u64,
    waits_for: [Option<usize>; MOST],
) -> Model<Pool> {
    let model = Model::new(name, move || Pool { waits_for, ..Pool::new(workers, spares, entries) });
    let model = model.thread(Pool::react);
    (0..workers + spares).fold(model, |model, site| model.thread(move |pool| pool.work(site)))
}

fn check(model: Model<Pool>, jobs: usize) {
    model.check_with(|pool, asleep| pool.is_in_order(asleep, jobs));
}

/// A caller of one job, which waits for its outcome.
fn call(caller: usize) -> impl Fn(&Pool) {
    move |pool| {
        pool.add(&[job(caller, caller)]);
        assert!(pool.wait(caller, 1, FOR_EVER));
    }
}

/// One that waits for some time.
fn call_for_some_time(pool: &Pool) {
    pool.add(&[job(0, 0)]);
    pool.wait(0, 1, TIME);
}

/// One that does not wait.
fn call_and_leave(pool: &Pool) {
    pool.add(&[job(0, 0)]);
    pool.leave();
}

#[test]
fn who_waits_is_told() {
    check(model("pool: a caller", 1, 0, 2).thread(call(0)), 1);
    check(model("pool: two callers", 1, 0, 2).thread(call(0)).thread(call(1)), 2);
}

#[test]
fn somebody_takes_replies_when_the_driver_leaves() {
    check(model("pool: a caller leaves at once", 1, 0, 2).thread(call_and_leave), 1);
    check(model("pool: one leaves at once, one waits", 1, 0, 1).thread(call_and_leave).thread(call(1)), 2);
    let model = model("pool: one waits for some time, one for ever", 1, 0, 1);
    check(model.thread(call_for_some_time).thread(call(1)), 2);
}

#[test]
fn the_user_does_something_else_or_panics_with_what_the_driver_brought() {
    // whatever it does, it has left: it comes back, or never does, or drops what it waited with
    let never_comes_back = |pool: &Pool| {
        pool.add(&[job(0, 0), job(0, 2)]);
        pool.wait(0, 1, FOR_EVER);
    };
    check(model("pool: one takes the first of two", 1, 0, 1).thread(never_comes_back), 1);
    let drops = move |pool: &Pool| {
        never_comes_back(pool);
        pool.forget(0);
        call(1)(pool);
    };
    check(model("pool: one drops the second of two", 1, 0, 2).thread(drops), 3);
}

#[test]
fn calls_that_were_taken_back_keep_no_place() {
    let drops = |pool: &Pool| {
        pool.add(&[job(0, 0), job(0, 2)]);
        pool.forget(0);
        call(1)(pool);
    };
    check(model("pool: one drops two at once", 1, 0, 2).thread(drops), 3);
}

#[test]
fn whenever_a_worker_dies_who_waits_is_told() {
    let mortals = 1 << name(0);
    check(model("pool: a worker dies", 1, 1, 2).thread(call(0)).deaths(1).mortals(mortals), 1);
    let leaves = |pool: &Pool| {
        pool.add(&[job(0, 0), job(0, 1)]);
        pool.leave();
    };
    check(model("pool: a worker dies, the caller has left", 1, 1, 2).thread(leaves).deaths(1).mortals(mortals), 2);
}

#[test]
fn the_pool_ends_when_all_is_done() {
    let join_after = |pool: &Pool| {
        pool.add(&[job(0, 0)]);
        pool.leave();
        pool.join();
    };
    check(model("pool: a caller leaves and joins", 1, 0, 2).thread(join_after), 1);
    // who comes when it is closed is refused, which is no matter here
    let call_and_say = |pool: &Pool| {
        pool.add(&[job(0, 0)]);
        pool.said[0].set(1);
        pool.wait(0, 1, FOR_EVER);
    };
    let join = |pool: &Pool| {
        sleep_until(&pool.said[0], 1, FOR_EVER);
        pool.join();
    };
    check(model("pool: one waits, one joins", 1, 0, 2).thread(call_and_say).thread(join), 1);
}

#[test]
fn a_limit_is_looked_at_whoever_sleeps() {
    let limited = Job { has_limit: true, ..job(0, 1) };
    let waits_for = std::array::from_fn(|number| (number == 1).then_some(KILLED));
    let adds_later = move |pool: &Pool| {
        call_and_leave(pool);
        pool.add(&[limited]);
        pool.wait(0, 2, FOR_EVER);
    };
    check(model_with("pool: a limit, the reactor sleeps", 1, 1, 2, waits_for).thread(adds_later), 2);
    let driver_gives = move |pool: &Pool| {
        pool.add(&[job(0, 0), limited]);
        pool.wait(0, 2, FOR_EVER);
    };
    check(model_with("pool: a limit, the driver gives the job", 1, 1, 1, waits_for).thread(driver_gives), 2);
}

#[test]
fn no_outcome_is_kept_until_there_are_many_for_another_caller() {
    // what the first job of one waits for is said when the other one, whose job is before it, is told
    let call_many = |pool: &Pool| {
        sleep_until(&pool.said[0], 1, FOR_EVER);
        pool.add(&[job(0, 0), job(0, 2), job(0, 3)]);
        pool.wait(0, 3, FOR_EVER);
    };
    let call_and_say = |pool: &Pool| {
        pool.add(&[job(1, 1)]);
        pool.said[0].set(1);
        pool.wait(1, 1, FOR_EVER);
        pool.said[1].set(1);
    };
    let waits_for = std::array::from_fn(|number| (number == 0).then_some(1));
    let model = model_with("pool: the call of one waits for the other", 1, 0, 4, waits_for);
    check(model.thread(call_many).thread(call_and_say), 4);
}
