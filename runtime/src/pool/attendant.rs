//! The thread that deals with one worker; see the rules of [`crew`](super::crew).

use std::sync::Arc;
use std::time::Duration;

use super::batch::refusal;
use super::crew::{Crew, Job, Next};
use super::error::PoolError;
use super::shelf::Outcome;
use super::worker::{Ending, Gone, Worker};
use crate::SendError;
use crate::memory;
use crate::process::is_ending;
use crate::sys::{signals, wait};

/// Starts workers and their attendants, and returns when all are ready; if one fails, none is left.
pub(super) fn hire(count: usize) -> Result<Arc<Crew>, PoolError> {
    let os = |action| move |source| PoolError::Os { action, source };
    let crew = Arc::new(Crew::new(count).map_err(os("make an event descriptor"))?);
    // they start side by side
    let workers: Vec<_> = (0..count).map(|_| Worker::start(crew.next_name())).collect::<Result<_, _>>()?;
    workers.iter().try_for_each(Worker::ready)?;
    for (number, worker) in workers.into_iter().enumerate() {
        crew.enter(number, Some(&worker.process));
        let attendant = Attendant { crew: Arc::clone(&crew), number, worker: Some(worker) };
        let thread = std::thread::Builder::new().name(format!("carom-pool-{number}"));
        let spawned = signals::start_without(|| thread.spawn(move || attendant.run()));
        match spawned.map_err(Into::into).flatten() {
            Ok(thread) => crew.join(thread),
            Err(source) => {
                // this attendant, and with it the worker, is gone; now the others
                crew.terminate();
                crew.wait();
                return Err(os("start a thread")(source));
            }
        }
    }
    Ok(crew)
}

struct Attendant {
    crew: Arc<Crew>,
    number: usize,
    /// None after one could not be started.
    worker: Option<Worker>,
}

/// How often a worker is started, or a job sent to one, where it ends meanwhile.
const TRIES: u8 = 3;

/// How long to leave jobs to others where no worker can be started.
const REST: Duration = Duration::from_millis(20);

impl Attendant {
    fn run(mut self) {
        loop {
            match self.crew.next(self.number, |bell| self.sleep(bell)) {
                Next::Job(job) => self.attend_to(job),
                Next::WorkerEnded => self.replace(),
                Next::End => break,
            }
        }
        if let Some(worker) = self.worker.take() {
            worker.end(if self.crew.is_terminated() { Ending::Killed } else { Ending::Dismissed });
        }
        self.crew.enter(self.number, None);
    }

    /// Waits until the bell rings; true if the worker has ended before.
    fn sleep(&self, bell: &wait::Bell) -> bool {
        let woken = match &self.worker {
            Some(worker) => wait::either_readable(bell, &worker.process),
            None => wait::readable(bell, None).map(|rung| [rung, false]),
        };
        woken.map_or_else(
            |_| {
                // there is no memory to wait with
                std::thread::sleep(Duration::from_millis(1));
                false
            },
            |[_, ended]| ended,
        )
    }

    /// Has the worker do a job; starts one where there is none.
    fn attend_to(&mut self, mut job: Job) {
        if self.worker.is_none()
            && let Err(outcome) = self.start()
        {
            if !matches!(outcome, Outcome::NoWorker(_)) || !self.crew.has_workers() {
                return job.done(outcome);
            }
            // others are better off: leave it to them
            self.crew.take_back(job);
            return std::thread::sleep(REST);
        }
        let Some(worker) = &self.worker else { return job.done(Outcome::Terminated) };
        match worker.request(&job.bytes, &job.fds) {
            Ok(()) => {
                // they are the worker's now, and may be what somebody waits for the end of
                if !job.fds.is_empty() {
                    job.fds.clear();
                    memory::sent();
                }
                match worker.reply() {
                    Ok((bytes, fds)) => job.done(Outcome::Reply(bytes, fds)),
                    Err(Gone::Ended) => self.lost(job),
                    Err(Gone::Left) => {
                        let reason = "it closed its connection to the pool, and was ended for that";
                        job.done(Outcome::Reply(refusal(reason), Vec::new()));
                        self.replace();
                    }
                }
            }
            // it has not been begun (rule 2)
            Err(SendError::Disconnected) if job.tries + 1 < TRIES => {
                self.crew.take_back(Job { tries: job.tries + 1, ..job });
                self.replace();
            }
            Err(SendError::Disconnected) => self.lost(job),
            Err(error) => {
                job.done(Outcome::NotSent(Arc::new(error)));
                // a part of it may be in the way of the next
                self.replace();
            }
        }
    }

    /// The worker has ended with this job in hand (rule 1).
    fn lost(&mut self, job: Job) {
        let Some(worker) = self.worker.take() else { return job.done(Outcome::Terminated) };
        let pid = worker.process.pid();
        let status = worker.end(Ending::Killed);
        job.done(match status {
            _ if self.crew.is_terminated() => Outcome::Terminated,
            Some(status) => Outcome::Lost { pid, status },
            None => Outcome::NotSent(Arc::new(SendError::Disconnected)),
        });
        self.replace();
    }

    /// Starts another worker in the place of this one, which is of no use any more.
    fn replace(&mut self) {
        if let Some(worker) = self.worker.take() {
            worker.end(Ending::Killed);
        }
        // where that fails, the next job tries it again and tells
        let _ = self.start();
    }

    /// Starts a worker; otherwise, what becomes of a job that wants one.
    fn start(&mut self) -> Result<(), Outcome> {
        let mut tries = 1;
        loop {
            if is_ending() || self.crew.is_terminated() {
                self.crew.enter(self.number, None);
                return Err(Outcome::Terminated);
            }
            match self.try_start() {
                Ok(None) => {}
                Ok(worker) => {
                    self.worker = worker;
                    return Ok(());
                }
                // a signal from outside may have hit it before it was ready
                Err(_) if tries < TRIES => tries += 1,
                Err(error) => {
                    self.crew.enter(self.number, None);
                    return Err(Outcome::NoWorker(Arc::new(error)));
                }
            }
        }
    }

    /// None if the pool was terminated meanwhile, and so has not killed this worker.
    fn try_start(&self) -> Result<Option<Worker>, PoolError> {
        self.crew.enter(self.number, None);
        let worker = Worker::start(self.crew.next_name())?;
        if !self.crew.enter(self.number, Some(&worker.process)) {
            return Ok(None);
        }
        worker.ready()?;
        Ok(Some(worker))
    }
}
