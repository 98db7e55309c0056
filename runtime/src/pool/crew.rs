//! The transport of the first pool: for each worker a thread of this process, its
//! [attendant](super::attendant).
//!
//! Requests wait in one queue. An attendant takes one, writes it to its worker's socket, reads the reply, and puts
//! it on the caller's shelf. No lock is shared with a worker, and no worker is given anything before it has answered
//! what it was given: so a slow call keeps no other one waiting while a worker is free.
//!
//! 1. A worker that ends before it has answered a request costs that request, and no other.
//! 2. A request that could not be written whole has not been begun: it goes back to the head of the queue.
//! 3. A worker that ends while it has nothing to do is replaced at once. Where that fails, the next request tries again,
//!    is left to the other workers if there are any, and tells otherwise: a program that cannot start workers does not
//!    try for ever.
//! 4. Every job gets one outcome, and gets it outside of all locks but its shelf's.

use std::collections::VecDeque;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use super::shelf::{Outcome, Shelf};
use crate::process::Process;
use crate::sys::wait::Bell;

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
    pub(super) fn done(self, outcome: Outcome) {
        self.shelf.put(self.number, outcome);
    }
}

/// What pool and attendants share.
pub(super) struct Crew {
    state: Mutex<State>,
    /// One for each attendant.
    bells: Vec<Bell>,
    /// The attendants that nobody has waited for.
    threads: Mutex<Vec<JoinHandle<()>>>,
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
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Open,
    /// What is in the queue is done, and nothing is added.
    Closed,
    Terminated,
}

impl Crew {
    /// One of so many attendants, who are to [`join`](Self::join) it.
    pub(super) fn new(count: usize) -> io::Result<Self> {
        let bells = (0..count).map(|_| Bell::new()).collect::<Result<_, _>>()?;
        let state = State { queue: VecDeque::new(), phase: Phase::Open, idle: Vec::new(), workers: vec![None; count] };
        Ok(Self { state: Mutex::new(state), bells, threads: Mutex::default(), started: AtomicUsize::new(0) })
    }

    /// Enters an attendant that has been started.
    pub(super) fn join(&self, attendant: JoinHandle<()>) {
        self.threads().push(attendant);
    }

    pub(super) fn next_name(&self) -> String {
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
        shelf.take_last();
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

    fn wake_all(&self, mut state: MutexGuard<'_, State>) {
        let idle = std::mem::take(&mut state.idle);
        drop(state);
        idle.into_iter().for_each(|number| self.bells[number].ring());
    }

    /// Waits until all attendants have ended, and with them all workers.
    pub(super) fn wait(&self) {
        // the lock is held while the first caller waits, and so the others wait too
        for thread in self.threads().drain(..) {
            // one that has panicked has ended
            let _ = thread.join();
        }
    }

    fn threads(&self) -> MutexGuard<'_, Vec<JoinHandle<()>>> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // what follows is for attendants

    /// What attendant `number` is to do next, now that it has nothing to do; `sleep` waits until its bell rings or its
    /// worker has ended, and tells whether it has.
    pub(super) fn next(&self, number: usize, sleep: impl Fn(&Bell) -> bool) -> Next {
        loop {
            let mut state = self.lock();
            if let Some(job) = state.queue.pop_front() {
                return Next::Job(job);
            }
            if state.phase != Phase::Open {
                return Next::End;
            }
            state.idle.push(number);
            drop(state);
            let ended = sleep(&self.bells[number]);
            self.bells[number].still();
            self.lock().idle.retain(|idle| *idle != number);
            if ended {
                return Next::WorkerEnded;
            }
        }
    }

    /// Puts a job that was not begun back to the head of the queue.
    pub(super) fn take_back(&self, job: Job) {
        let mut state = self.lock();
        if state.phase == Phase::Terminated {
            drop(state);
            return job.done(Outcome::Terminated);
        }
        if job.shelf.is_over() {
            // its caller has gone meanwhile
            return;
        }
        state.queue.push_front(job);
        self.wake_all(state);
    }

    /// Whether any attendant has a worker.
    pub(super) fn has_workers(&self) -> bool {
        self.lock().workers.iter().any(Option::is_some)
    }

    /// Enters the worker of an attendant, or that it has none; false if it was to be terminated before.
    pub(super) fn enter(&self, number: usize, worker: Option<&Process>) -> bool {
        let mut state = self.lock();
        state.workers[number] = worker.cloned();
        state.phase != Phase::Terminated
    }

    pub(super) fn is_terminated(&self) -> bool {
        self.lock().phase == Phase::Terminated
    }
}

/// What an attendant does next.
pub(super) enum Next {
    Job(Job),
    WorkerEnded,
    End,
}
