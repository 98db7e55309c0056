//! The transport of the first pool: for each worker a thread of this process, its attendant.
//!
//! Requests wait in one queue. An attendant takes one, writes it to its worker's socket, reads the reply, and puts
//! it on the caller's shelf. It sleeps in one place, where it is woken by a bell of its own or by the end of its
//! worker. No lock is shared with a worker.
//!
//! 1. A worker answers requests one by one, in the order in which they came; a reply is in the socket before the
//!    next request is begun. So if it dies, the first request without a reply is the one that may have run: it is
//!    lost. Those behind it have not been begun, and go back to the head of the queue.
//! 2. A request that could not be written whole has not been begun either.
//! 3. An attendant sends ahead of the replies only requests of one caller's `map`, when they have been short and
//!    quick so far: no request of another caller can get stuck behind a slow one, and a socket's buffer has room
//!    for them.
//! 4. A worker that ends while it has nothing to do is replaced at once, unless it never was ready: then only when
//!    there is something to do, so that a program that cannot start workers does not do so for ever.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::error::PoolError;
use super::shelf::{Outcome, Shelf};
use super::worker::{Ended, Ending, Worker};
use crate::SendError;
use crate::process::{Process, is_ending};
use crate::sys::signals;
use crate::sys::wait::{self, Bell};

/// A request on its way.
pub(super) struct Job {
    pub(super) bytes: Vec<u8>,
    pub(super) fds: Vec<OwnedFd>,
    /// Where its outcome goes, and under which number.
    pub(super) shelf: Arc<Shelf>,
    pub(super) number: usize,
    /// How often a worker has ended while it was being sent.
    pub(super) tries: u8,
}

impl Job {
    fn done(self, outcome: Outcome) {
        self.shelf.put(self.number, outcome);
    }

    /// Jobs of one caller have the same.
    fn caller(&self) -> usize {
        Arc::as_ptr(&self.shelf).addr()
    }
}

/// A job that ends workers while they receive it is lost after this many.
const TRIES: u8 = 3;

/// What pool and attendants share.
pub(super) struct Crew {
    state: Mutex<State>,
    /// One for each attendant.
    bells: Vec<Bell>,
    ended: Condvar,
    /// Numbers for the names of workers.
    started: AtomicUsize,
}

struct State {
    queue: VecDeque<Job>,
    phase: Phase,
    /// Attendants that wait for their bells; the one that came last is woken first.
    idle: Vec<usize>,
    /// The workers, by their attendants' numbers.
    workers: Vec<Option<Process>>,
    /// Attendants that have not ended.
    attendants: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Open,
    /// What is in the queue is done, and nothing is added.
    Closed,
    Terminated,
}

impl Crew {
    /// Starts workers and their attendants, and returns when all are ready; if one fails, none is left.
    pub(super) fn start(count: usize) -> Result<Arc<Self>, PoolError> {
        let os = |action| move |source| PoolError::Os { action, source };
        let bells =
            (0..count).map(|_| Bell::new()).collect::<Result<_, _>>().map_err(os("make an event descriptor"))?;
        let state = State {
            queue: VecDeque::new(),
            phase: Phase::Open,
            idle: Vec::new(),
            workers: vec![None; count],
            attendants: 0,
        };
        let (state, ended, started) = (Mutex::new(state), Condvar::new(), AtomicUsize::new(0));
        let crew = Arc::new(Self { state, bells, ended, started });
        // they start side by side
        let workers: Vec<_> = (0..count).map(|_| Worker::start(crew.next_name())).collect::<Result<_, _>>()?;
        workers.iter().try_for_each(Worker::ready)?;
        for (number, worker) in workers.into_iter().enumerate() {
            crew.lock().workers[number] = Some(worker.process.clone());
            let attendant = Attendant {
                crew: Arc::clone(&crew),
                number,
                worker: Some(worker),
                given: VecDeque::new(),
                pace: Pace::default(),
            };
            let thread = std::thread::Builder::new().name(format!("carom-pool-{number}"));
            crew.lock().attendants += 1;
            let spawned =
                signals::start_without(|| thread.spawn(move || attendant.run())).map_err(Into::into).flatten();
            if let Err(source) = spawned {
                // the attendant, and with it the worker, is gone
                crew.lock().attendants -= 1;
                crew.terminate();
                crew.wait();
                return Err(PoolError::Os { action: "start a thread", source });
            }
        }
        Ok(crew)
    }

    fn next_name(&self) -> String {
        format!("PoolWorker-{}", self.started.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // no call into anything that can panic is made under the lock
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn processes(&self) -> usize {
        self.bells.len()
    }

    pub(super) fn worker_pids(&self) -> Vec<u32> {
        self.lock().workers.iter().flatten().map(Process::pid).collect()
    }

    /// Adds a job to the end of the queue.
    pub(super) fn add(&self, job: Job) {
        let mut state = self.lock();
        let outcome = match state.phase {
            Phase::Open => {
                state.queue.push_back(job);
                let idle = state.idle.pop();
                drop(state);
                return idle.into_iter().for_each(|number| self.bells[number].ring());
            }
            Phase::Closed => Outcome::Closed,
            Phase::Terminated => Outcome::Terminated,
        };
        drop(state);
        job.done(outcome);
    }

    /// Takes the jobs of one caller that have not been begun out of the queue.
    pub(super) fn forget(&self, shelf: &Arc<Shelf>) {
        self.lock().queue.retain(|job| !Arc::ptr_eq(&job.shelf, shelf));
    }

    /// Lets attendants end when the queue is empty.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.phase = state.phase.max(Phase::Closed);
        self.wake_all(state);
    }

    /// Ends everything.
    pub(super) fn terminate(&self) {
        let mut state = self.lock();
        state.phase = Phase::Terminated;
        let jobs = std::mem::take(&mut state.queue);
        for worker in state.workers.iter().flatten() {
            // one that cannot be killed has ended
            let _ = worker.kill();
        }
        self.wake_all(state);
        jobs.into_iter().for_each(|job| job.done(Outcome::Terminated));
    }

    /// Puts jobs that were not begun back to the head of the queue.
    fn take_back(&self, jobs: Vec<Job>) {
        let mut state = self.lock();
        if state.phase == Phase::Terminated {
            drop(state);
            return jobs.into_iter().for_each(|job| job.done(Outcome::Terminated));
        }
        jobs.into_iter().rev().for_each(|job| state.queue.push_front(job));
        // this attendant takes the first of them; another may be free for the next
        self.wake_all(state);
    }

    fn wake_all(&self, mut state: MutexGuard<'_, State>) {
        let idle = std::mem::take(&mut state.idle);
        drop(state);
        idle.into_iter().for_each(|number| self.bells[number].ring());
    }

    /// Waits until all attendants have ended, and with them all workers.
    pub(super) fn wait(&self) {
        let mut state = self.lock();
        while state.attendants > 0 {
            state = self.ended.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// The thread that deals with one worker.
struct Attendant {
    crew: Arc<Crew>,
    number: usize,
    /// None after one could not be started.
    worker: Option<Worker>,
    /// What the worker has been given and has not answered, in order.
    given: VecDeque<Job>,
    pace: Pace,
}

/// How quick the jobs of one caller are with this worker.
#[derive(Default)]
struct Pace {
    /// The caller's shelf, by its address.
    caller: usize,
    since: Option<Instant>,
    answered: u32,
    quick: bool,
}

/// What an attendant does next.
enum Next {
    Job(Job),
    WorkerEnded,
    End,
}

/// The most jobs that a worker has at once, and how long those that are sent ahead may be.
const AHEAD: usize = 16;
const SHORT: usize = 2 << 10;

/// Jobs that take longer are not sent ahead.
const QUICK: Duration = Duration::from_micros(200);

impl Attendant {
    fn run(mut self) {
        loop {
            match self.next() {
                Next::Job(job) => self.give(job),
                Next::WorkerEnded => self.worker_ended(None),
                Next::End => break,
            }
            self.attend();
        }
        if let Some(worker) = self.worker.take() {
            worker.end(if self.is_terminated() { Ending::Killed } else { Ending::Dismissed });
        }
        let mut state = self.crew.lock();
        state.workers[self.number] = None;
        state.attendants -= 1;
        self.crew.ended.notify_all();
    }

    fn is_terminated(&self) -> bool {
        self.crew.lock().phase == Phase::Terminated
    }

    /// Waits for something to do.
    fn next(&self) -> Next {
        loop {
            let mut state = self.crew.lock();
            if let Some(job) = state.queue.pop_front() {
                return Next::Job(job);
            }
            if state.phase != Phase::Open {
                return Next::End;
            }
            state.idle.push(self.number);
            drop(state);
            let bell = &self.crew.bells[self.number];
            let woken = match &self.worker {
                Some(worker) => wait::either_readable(bell, &worker.process),
                None => wait::readable(bell, None).map(|rung| [rung, false]),
            };
            bell.still();
            self.crew.lock().idle.retain(|number| *number != self.number);
            match woken {
                Ok([_, true]) => return Next::WorkerEnded,
                Ok(_) => {}
                // there is no memory to wait with
                Err(_) => std::thread::sleep(Duration::from_millis(1)),
            }
        }
    }

    /// Gives a job to the worker; starts one where there is none.
    fn give(&mut self, job: Job) {
        if self.worker.is_none()
            && let Err(outcome) = self.start()
        {
            return job.done(outcome);
        }
        let Some(worker) = &self.worker else { return };
        match worker.request(&job.bytes, &job.fds) {
            Ok(()) => self.given.push_back(job),
            Err(SendError::Disconnected) => self.worker_ended(Some(job)),
            Err(error) => {
                job.done(Outcome::NotSent(Arc::new(error)));
                // a part of it may be in the way of the next
                self.worker_ended(None);
            }
        }
    }

    /// Receives the answers to what has been given.
    fn attend(&mut self) {
        while let Some(first) = self.given.front() {
            let caller = first.caller();
            if self.pace.caller != caller {
                self.pace = Pace { caller, ..Pace::default() };
            }
            if self.given.len() <= AHEAD / 2 {
                self.pace.measure();
                self.give_ahead();
            }
            let Some(worker) = &self.worker else { return };
            match worker.reply() {
                Ok((bytes, fds)) => {
                    self.pace.answered += 1;
                    if let Some(job) = self.given.pop_front() {
                        job.done(Outcome::Reply(bytes, fds));
                    }
                }
                Err(Ended) => self.worker_ended(None),
            }
        }
    }

    /// Gives more jobs of the same caller (rule 3), and leaves the other workers their share.
    fn give_ahead(&mut self) {
        while self.pace.quick && self.given.len() < AHEAD {
            let mut state = self.crew.lock();
            let share = state.queue.len() > self.given.len() * self.crew.processes();
            let fits = |job: &mut Job| {
                share && job.caller() == self.pace.caller && job.bytes.len() <= SHORT && job.fds.is_empty()
            };
            let Some(job) = state.queue.pop_front_if(fits) else { return };
            drop(state);
            self.give(job);
        }
    }

    /// The worker has ended, or is of no use any more: its jobs go where they belong (rules 1 and 2), and another
    /// takes its place.
    fn worker_ended(&mut self, unsent: Option<Job>) {
        let Some(worker) = self.worker.take() else { return };
        let pid = worker.process.pid();
        let status = worker.end(Ending::Killed);
        let lost = || match status {
            Some(status) => Outcome::Lost { pid, status },
            None => Outcome::NotSent(Arc::new(SendError::Disconnected)),
        };
        let terminated = self.is_terminated();
        let first = self.given.pop_front();
        first.into_iter().for_each(|job| job.done(if terminated { Outcome::Terminated } else { lost() }));
        let unsent = unsent.map(|job| Job { tries: job.tries + 1, ..job });
        let (back, given_up): (Vec<_>, Vec<_>) = self.given.drain(..).chain(unsent).partition(|job| job.tries < TRIES);
        given_up.into_iter().for_each(|job| job.done(lost()));
        self.crew.take_back(back);
        if !terminated {
            // where that fails, the next job tries it again and tells
            let _ = self.start();
        }
    }

    /// Starts a worker; otherwise, what becomes of a job that wanted one.
    fn start(&mut self) -> Result<(), Outcome> {
        if is_ending() {
            return Err(Outcome::Terminated);
        }
        let no_worker = |error| Outcome::NoWorker(Arc::new(error));
        let worker = Worker::start(self.crew.next_name()).map_err(no_worker)?;
        let mut state = self.crew.lock();
        state.workers[self.number] = Some(worker.process.clone());
        let terminated = state.phase == Phase::Terminated;
        drop(state);
        if terminated {
            return Err(Outcome::Terminated);
        }
        if let Err(error) = worker.ready() {
            return Err(if self.is_terminated() { Outcome::Terminated } else { no_worker(error) });
        }
        self.worker = Some(worker);
        Ok(())
    }
}

impl Pace {
    /// Looks at how long the jobs took that were answered since the last look.
    fn measure(&mut self) {
        let now = Instant::now();
        if let Some(since) = self.since
            && self.answered > 0
        {
            self.quick = now - since < QUICK * self.answered;
        }
        (self.since, self.answered) = (Some(now), 0);
    }
}
