//! The pool's own thread: it looks after the workers, and takes replies when nobody waits for them; see the rules of
//! [`engine`](super::engine).

use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags};

use super::batch::refusal;
use super::engine::{Engine, Phase, Slot, State, Vacancy};
use super::error::PoolError;
use super::member::{MOMENT, Member};
use super::shelf::Outcome;
use crate::connection::Connection;
use crate::process::{Process, is_ending};
use crate::sys::{signals, wait};

/// How often a worker is started in a row, where it ends before it is ready.
const TRIES: u8 = 3;
/// How long after that it is tried again, if it is needed.
const REST: Duration = Duration::from_millis(20);

/// Starts workers and the reactor, and returns when all are ready; if one fails, none is left.
pub(super) fn hire(count: usize) -> Result<Arc<Engine>, PoolError> {
    let os = |action| move |source| PoolError::Os { action, source };
    let engine = Arc::new(Engine::new(count).map_err(os("make an event descriptor"))?);
    // they start side by side
    let start = |_| Member::start(engine.next_name(), &engine.bells);
    let mut members: Vec<_> = (0..count).map(start).collect::<Result<_, _>>()?;
    members.iter_mut().try_for_each(Member::wait_until_ready)?;
    engine.lock().slots = members.into_iter().map(|member| Slot::Filled(Box::new(member), 0)).collect();
    let reactor = Arc::clone(&engine);
    let thread = std::thread::Builder::new().name("carom-pool".to_owned());
    let spawned = signals::start_without(|| thread.spawn(move || run(&reactor)));
    engine.has_reactor(spawned.map_err(Into::into).flatten().map_err(os("start a thread"))?);
    Ok(engine)
}

fn run(engine: &Engine) {
    loop {
        let mut state = engine.lock();
        state.take_replies();
        state.look_after();
        state.distribute();
        state.dismiss_idle();
        let vacant = state.vacancies();
        if vacant.is_empty() && state.is_over() {
            return engine.after(state);
        }
        let watched = state.watched();
        let deadline = state.deadline();
        engine.after(state);
        if vacant.is_empty() {
            sleep(engine, &watched, deadline);
        }
        for place in vacant {
            start(engine, place);
        }
    }
}

/// A worker's process, and its socket as far as that is of interest: whether it is closed, or has a message.
type Watched = (Process, Option<(Arc<Connection>, PollFlags)>);

/// Waits until something is to be done.
fn sleep(engine: &Engine, watched: &[Watched], deadline: Option<Instant>) {
    let bell = engine.bells.reactors();
    let mut fds = vec![PollFd::new(bell.as_fd(), PollFlags::POLLIN)];
    for (process, socket) in watched {
        fds.push(PollFd::new(process.as_fd(), PollFlags::POLLIN));
        if let Some((socket, flags)) = socket {
            fds.push(PollFd::new(socket.as_fd(), *flags));
        }
    }
    match wait::any_ready(&mut fds, deadline) {
        Ok(_) if fds[0].any().unwrap_or(false) => drop(bell.wait(None)),
        Ok(_) => {}
        // there is no memory to wait with
        Err(_) => std::thread::sleep(Duration::from_millis(1)),
    }
}

/// Starts a worker for a place that is vacant.
fn start(engine: &Engine, place: usize) {
    let result = Member::start(engine.next_name(), &engine.bells);
    let mut state = engine.lock();
    let Slot::Vacant(Vacancy { tries, .. }) = state.slots[place] else { return };
    match result {
        Ok(member) => state.slots[place] = Slot::Filled(Box::new(member), tries.saturating_add(1)),
        Err(error) => state.failed(place, error, tries.saturating_add(1)),
    }
    engine.after(state);
}

impl State {
    /// Looks whether workers are ready, or have ended.
    fn look_after(&mut self) {
        if is_ending() {
            self.phase = Phase::Terminated;
        }
        for place in 0..self.slots.len() {
            let Slot::Filled(member, tries) = &mut self.slots[place] else { continue };
            if !member.is_ready {
                match member.look_whether_ready() {
                    Ok(ready) => {
                        self.has_news |= ready;
                        *tries = if ready { 0 } else { *tries };
                    }
                    // a signal from outside may have hit it before it was ready
                    Err(error) => {
                        let tries = *tries;
                        self.failed(place, error, tries);
                    }
                }
            } else if member.process_has_ended() {
                self.bury(place, None);
            } else if member.left.is_none() && is_closed(&member.socket) {
                member.left = Some(Instant::now());
            } else if member.left.is_some_and(|left| left.elapsed() >= MOMENT) {
                self.bury(place, Some("it closed its connection to the pool, and was ended for that"));
            }
        }
        if self.phase == Phase::Terminated {
            self.terminate();
        }
    }

    /// Lets workers end that have nothing to do when the pool is closed; to be called when they have been given what there is.
    fn dismiss_idle(&mut self) {
        if self.phase == Phase::Closed && self.queue_is_empty() {
            let members = self.slots.iter_mut().filter_map(Slot::member);
            members.filter(|member| member.is_fit() && member.open() == 0).for_each(Member::dismiss);
        }
    }

    /// A worker could not be started, or ended before it was ready.
    fn failed(&mut self, place: usize, error: PoolError, tries: u8) {
        let why = Arc::new(error);
        self.slots[place] = Slot::Vacant(Vacancy { since: Instant::now(), why: Some(Arc::clone(&why)), tries });
        // others are better off, if there are any
        if tries >= TRIES && self.slots.iter_mut().all(|slot| slot.member().is_none()) {
            self.give_up(&why);
        }
    }

    /// A worker has ended, or is ended with a reason.
    fn bury(&mut self, place: usize, reason: Option<&str>) {
        let vacancy = Vacancy { since: Instant::now(), why: None, tries: 0 };
        let before = std::mem::replace(&mut self.slots[place], Slot::Vacant(vacancy));
        let Slot::Filled(mut member, _) = before else { return };
        let status = member.end();
        // what it had replied before
        while let Some((job, bytes, fds)) = member.reply() {
            self.done(job, Outcome::Reply(bytes, fds));
        }
        let (begun, queued) = member.leave_behind();
        for job in begun {
            let outcome = match (&status, reason) {
                (_, Some(reason)) => Outcome::Reply(refusal(reason), Vec::new()),
                (Ok(status), None) => Outcome::Lost { pid: member.process.pid(), status: *status },
                (Err(_), None) => Outcome::NotSent(Arc::new(crate::SendError::Disconnected)),
            };
            self.done(job, if self.phase == Phase::Terminated { Outcome::Terminated } else { outcome });
        }
        queued.into_iter().rev().for_each(|job| self.take_back(job));
    }

    /// The places for which workers are to be started now.
    fn vacancies(&mut self) -> Vec<usize> {
        let (phase, queued) = (self.phase, !self.queue_is_empty());
        if phase == Phase::Terminated || (phase == Phase::Closed && !queued) {
            return Vec::new();
        }
        let deserted = self.slots.iter_mut().all(|slot| slot.member().is_none());
        let wanted = |vacancy: &Vacancy| match vacancy {
            Vacancy { why: Some(_), tries: TRIES.., since } => queued && (deserted || since.elapsed() >= REST),
            _ => true,
        };
        let places = self.slots.iter().enumerate();
        places.filter(|(_, slot)| matches!(slot, Slot::Vacant(vacancy) if wanted(vacancy))).map(|(i, _)| i).collect()
    }

    /// Whether nothing is left to be done, and nobody to do it.
    fn is_over(&mut self) -> bool {
        self.phase != Phase::Open && self.queue_is_empty() && self.slots.iter_mut().all(|slot| slot.member().is_none())
    }

    /// When something is to be done without a bell.
    fn deadline(&self) -> Option<Instant> {
        let queued = !self.queue_is_empty();
        let deadlines = self.slots.iter().filter_map(|slot| match slot {
            Slot::Filled(member, _) => Some(member.left? + MOMENT),
            Slot::Vacant(vacancy) => (queued && vacancy.why.is_some()).then_some(vacancy.since + REST),
        });
        deadlines.min()
    }

    fn watched(&self) -> Vec<Watched> {
        let watched = self.slots.iter().filter_map(|slot| match slot {
            Slot::Filled(member, _) => {
                let flags = if member.is_ready { PollFlags::POLLHUP } else { PollFlags::POLLIN };
                let socket = member.left.is_none().then(|| (Arc::clone(&member.socket), flags));
                Some((member.process.clone(), socket))
            }
            Slot::Vacant(_) => None,
        });
        watched.collect()
    }
}

/// Whether the other side has closed it.
fn is_closed(socket: &Connection) -> bool {
    let mut fds = [PollFd::new(socket.as_fd(), PollFlags::POLLHUP)];
    wait::any_ready(&mut fds, Some(Instant::now())).is_ok_and(|ready| ready > 0)
}
