//! The pool's own thread: it looks after the workers, and takes replies when nobody waits for them; see the rules of
//! [`engine`](super::engine).

use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags};

use super::death::WorkerLost;
use super::engine::{Engine, Phase, Slot, State, Vacancy, take_replies_of};
use super::error::{Kind, PoolError};
use super::job::{Part, What};
use super::member::{MOMENT, Member, Sentence};
use super::settings::Settings;
use super::tail::{HELD_UP, Source, Tail};
use crate::connection::Connection;
use crate::process::{ExitStatus, JoinError, Process, is_ending};
use crate::sys::{oom, signals, wait};

/// How often a worker is started in a row, where it ends before it is ready.
const TRIES: u8 = 3;
/// The same where a signal from outside ended it.
const TRIES_AGAINST_SIGNALS: u8 = 200;
/// How long after that it is tried again, at first.
const REST: Duration = Duration::from_millis(20);

/// Starts workers and the reactor, and returns when all are ready; if one fails, none is left.
pub(super) fn hire(count: usize, settings: Settings) -> Result<Arc<Engine>, PoolError> {
    let os = |action| move |source| PoolError::Os { action, source };
    let engine = Arc::new(Engine::new(count, settings).map_err(os("make an event descriptor"))?);
    // they start side by side
    let start = |_| Member::start(engine.next_name(), &engine.settings, &engine.bells);
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
    let mut oom_kills = oom::kills();
    loop {
        let mut state = engine.lock();
        state.take_replies();
        state.look_after(&mut oom_kills);
        state.distribute();
        state.dismiss_idle();
        let vacant = state.vacancies();
        let spares = state.missing_spares(&engine.settings);
        if vacant.is_empty() && state.is_over() {
            return engine.after(state);
        }
        let watched = state.watched();
        let alarm = state.deadline(&engine.settings);
        state.handoff.alarm = alarm;
        engine.after(state);
        if vacant.is_empty() && spares == 0 {
            sleep(engine, &watched, alarm);
        }
        for place in vacant {
            start(engine, place);
        }
        for _ in 0..spares {
            start_spare(engine);
        }
    }
}

/// A worker's process, its socket as far as that is of interest (whether it is closed, or has a message), and its standard error.
type Watched = (Process, Option<(Arc<Connection>, PollFlags)>, Option<Source>);

/// Waits until something is to be done.
fn sleep(engine: &Engine, watched: &[Watched], deadline: Option<Instant>) {
    let bell = engine.bells.reactors();
    let mut fds = vec![PollFd::new(bell.as_fd(), PollFlags::POLLIN)];
    for (process, socket, stderr) in watched {
        fds.push(PollFd::new(process.as_fd(), PollFlags::POLLIN));
        fds.extend(stderr.iter().map(|stderr| PollFd::new(stderr.as_fd(), PollFlags::POLLIN)));
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
    let result = Member::start(engine.next_name(), &engine.settings, &engine.bells);
    let mut state = engine.lock();
    let Slot::Vacant(Vacancy { tries, .. }) = state.slots[place] else { return };
    match result {
        Ok(member) => state.slots[place] = Slot::Filled(Box::new(member), tries.saturating_add(1)),
        Err(error) => state.failed(place, error, tries.saturating_add(1)),
    }
    engine.after(state);
}

/// Starts a worker that is to take the place of another one soon.
fn start_spare(engine: &Engine) {
    let result = Member::start(engine.next_name(), &engine.settings, &engine.bells);
    let mut state = engine.lock();
    match result {
        Ok(member) => state.spares.push(member),
        // when it is needed, its place tells why there is none
        Err(_) => state.spare_failed = Some(Instant::now()),
    }
    engine.after(state);
}

impl Vacancy {
    /// After how long it is tried again where it is hopeless: the longer, the more often it has been.
    fn rest(&self) -> Duration {
        let often = self.tries.saturating_sub(TRIES).min(6);
        REST * (1 << often)
    }

    /// Whether it has been tried often enough.
    fn is_hopeless(&self) -> bool {
        let status = match self.why.as_deref() {
            Some(PoolError::Ended { status } | PoolError::Worker(JoinError::NotStarted { status, .. })) => {
                Some(*status)
            }
            _ => None,
        };
        let by_signal = status.is_some_and(|status| status.signal().is_some());
        self.why.is_some() && self.tries >= if by_signal { TRIES_AGAINST_SIGNALS } else { TRIES }
    }
}

impl State {
    /// Looks whether workers are ready, or have ended, or have passed a limit.
    fn look_after(&mut self, oom_kills: &mut Option<u64>) {
        if is_ending() {
            self.phase = Phase::Terminated;
        }
        for place in 0..self.slots.len() {
            let Slot::Filled(member, tries) = &mut self.slots[place] else { continue };
            if !member.is_ready {
                match member.look_whether_ready() {
                    Ok(ready) => {
                        self.handoff.has_news |= ready;
                        *tries = if ready { 0 } else { *tries };
                    }
                    // a signal from outside may have hit it before it was ready
                    Err(error) => {
                        let tries = *tries;
                        self.failed(place, error, tries);
                    }
                }
            } else if member.process_has_ended() {
                self.bury(place, None, oom_kills);
            } else if member.left.is_none() && is_closed(&member.socket) {
                member.left = Some(Instant::now());
            } else if member.left.is_some_and(|left| left.elapsed() >= MOMENT) {
                self.bury(place, Some("it closed its connection to the pool, and was ended for that"), oom_kills);
            }
        }
        let failed = |spare: &mut Member| !spare.is_fit() && spare.look_whether_ready().is_err();
        if self.spares.extract_if(.., |spare| failed(spare) || spare.process_has_ended()).count() > 0 {
            self.spare_failed = Some(Instant::now());
        }
        for mut member in self.leaving.extract_if(.., |member| member.process_has_ended()).collect::<Vec<_>>() {
            self.settle(&mut member, None, oom_kills);
        }
        let tails = self.members().filter_map(|member| member.tail.as_mut());
        tails.for_each(Tail::pass_on);
        self.last_words.iter_mut().for_each(Tail::pass_on);
        self.last_words.retain(Tail::is_held_up);
        if self.phase == Phase::Terminated {
            self.terminate();
        }
    }

    /// Lets workers end that have nothing to do when the pool is closed; to be called when they have been given what there is.
    fn dismiss_idle(&mut self) {
        if self.phase == Phase::Closed && self.queue_is_empty() {
            let members = self.slots.iter_mut().filter_map(Slot::member);
            members.filter(|member| member.is_fit() && member.open() == 0).for_each(Member::dismiss);
            self.spares.iter_mut().for_each(Member::dismiss);
        }
    }

    /// A worker could not be started, or ended before it was ready.
    fn failed(&mut self, place: usize, error: PoolError, tries: u8) {
        let why = Arc::new(error);
        let vacancy = Vacancy { since: Instant::now(), why: Some(Arc::clone(&why)), tries };
        let is_hopeless = vacancy.is_hopeless();
        self.slots[place] = Slot::Vacant(vacancy);
        // others are better off, if there are any
        if is_hopeless && self.is_deserted() {
            self.give_up(&why);
        }
    }

    /// A worker has ended, or is ended with a reason.
    fn bury(&mut self, place: usize, reason: Option<&str>, oom_kills: &mut Option<u64>) {
        let next = self.successor();
        let before = std::mem::replace(&mut self.slots[place], next);
        if let Slot::Filled(mut member, _) = before {
            self.settle(&mut member, reason, oom_kills);
        }
    }

    /// Deals with what a worker that has ended, or is ended with a reason, had to do.
    fn settle(&mut self, member: &mut Member, reason: Option<&str>, oom_kills: &mut Option<u64>) {
        // up to here, and not to when the system has cleared up after it
        let run_time = member.run_time();
        let status = member.end();
        let (news, mut left) = take_replies_of(member);
        self.handoff.has_news |= news;
        for (mut job, begun) in member.leave_behind() {
            if !begun {
                left.push(job);
                continue;
            }
            let kind = match (&status, reason, member.sentence()) {
                _ if self.phase == Phase::Terminated => Kind::Terminated,
                (_, Some(reason), _) => Kind::Refused(reason.to_owned()),
                (.., Some(Sentence::Time(limit))) => Kind::TimeLimit(limit),
                (.., Some(Sentence::Memory { limit, resident })) => Kind::MemoryLimit { limit, resident },
                _ if job.again() => {
                    left.push(job);
                    continue;
                }
                (Ok(status), ..) => {
                    let attempts = job.attempt + 1;
                    Kind::WorkerLost(Arc::new(obituary(member, *status, run_time, attempts, oom_kills)))
                }
                (Err(_), ..) => Kind::NotSent(Arc::new(crate::SendError::Disconnected)),
            };
            self.handoff.has_news = true;
            left.extend(job.add(Part { count: 1, what: What::Failed(kind) }));
        }
        left.into_iter().rev().for_each(|job| self.take_back(job));
        if let Some(mut tail) = member.tail.take() {
            tail.pass_on_the_last();
            self.last_words.extend(Some(tail).filter(Tail::is_held_up));
        }
    }

    /// The places for which workers are to be started now.
    fn vacancies(&mut self) -> Vec<usize> {
        let (phase, queued) = (self.phase, !self.queue_is_empty());
        if phase == Phase::Terminated || (phase == Phase::Closed && !queued) {
            return Vec::new();
        }
        let deserted = self.is_deserted();
        let wanted = |vacancy: &Vacancy| match vacancy.is_hopeless() {
            // where there is nobody at all, only as long as somebody needs one
            true => (queued && deserted) || (!deserted && vacancy.since.elapsed() >= vacancy.rest()),
            false => true,
        };
        let places = self.slots.iter().enumerate();
        places.filter(|(_, slot)| matches!(slot, Slot::Vacant(vacancy) if wanted(vacancy))).map(|(i, _)| i).collect()
    }

    /// Whether there is no worker.
    fn is_deserted(&mut self) -> bool {
        self.slots.iter_mut().all(|slot| slot.member().is_none())
    }

    /// How many workers are to be started because others will need one in their place.
    fn missing_spares(&mut self, settings: &Settings) -> usize {
        let Some(most) = settings.max_tasks_per_child else { return 0 };
        if self.phase == Phase::Terminated
            || (self.phase == Phase::Closed && self.queue_is_empty())
            || self.spare_failed.is_some_and(|failed| failed.elapsed() < REST)
        {
            return 0;
        }
        let old =
            self.slots.iter_mut().filter_map(Slot::member).filter(|member| (member.calls() + 1) * 2 >= most).count();
        old.saturating_sub(self.spares.len())
    }

    /// Whether nothing is left to be done, and nobody to do it. One that was terminated waits for nobody to read.
    fn is_over(&mut self) -> bool {
        let is_told = self.phase == Phase::Terminated || self.last_words.is_empty();
        self.phase != Phase::Open && self.queue_is_empty() && self.members().next().is_none() && is_told
    }

    fn members(&mut self) -> impl Iterator<Item = &mut Member> {
        let others = self.spares.iter_mut().chain(&mut self.leaving);
        self.slots.iter_mut().filter_map(Slot::member).chain(others)
    }

    /// When something is to be done without a bell; and what is to be done now with calls that have passed their limits.
    fn deadline(&mut self, settings: &Settings) -> Option<Instant> {
        let deadly = settings.deadly_memory();
        let looks = self.slots.iter_mut().filter_map(Slot::member).filter_map(|member| member.look(deadly)).min();
        let looks = looks.and_then(|look| Instant::now().checked_add(look));
        let deserted = self.is_deserted();
        let deadlines = self.slots.iter().filter_map(|slot| match slot {
            Slot::Filled(member, _) => Some(member.left? + MOMENT),
            Slot::Vacant(vacancy) => (!deserted && vacancy.why.is_some()).then_some(vacancy.since + vacancy.rest()),
        });
        let deadline = deadlines.chain(looks).min();
        let tails = self.members().filter_map(|member| member.tail.as_ref());
        let held_up = tails.filter(|tail| tail.is_held_up()).count() + self.last_words.len() > 0;
        deadline.into_iter().chain(held_up.then(|| Instant::now() + HELD_UP)).min()
    }

    fn watched(&mut self) -> Vec<Watched> {
        let watched = self.members().map(|member| {
            let flags = if member.is_ready { PollFlags::POLLHUP } else { PollFlags::POLLIN };
            let socket = member.left.is_none().then(|| (Arc::clone(&member.socket), flags));
            (member.process.clone(), socket, member.tail.as_ref().and_then(Tail::source))
        });
        watched.collect()
    }
}

/// What is known of the end of a worker.
fn obituary(
    member: &mut Member,
    status: ExitStatus,
    run_time: Duration,
    attempts: u32,
    oom_kills: &mut Option<u64>,
) -> WorkerLost {
    let mut out_of_memory = false;
    if status.signal() == Some(libc::SIGKILL) {
        let kills = oom::kills();
        out_of_memory = kills > *oom_kills;
        *oom_kills = kills;
    }
    let stderr = member.tail.as_mut().map(|tail| {
        tail.pass_on_the_last();
        tail.text()
    });
    let (pid, peak_memory) = (member.process.pid(), member.peak_memory());
    WorkerLost { pid, status, run_time, attempts, peak_memory, out_of_memory, stderr }
}

/// Whether the other side has closed it.
fn is_closed(socket: &Connection) -> bool {
    let mut fds = [PollFd::new(socket.as_fd(), PollFlags::POLLHUP)];
    wait::any_ready(&mut fds, Some(Instant::now())).is_ok_and(|ready| ready > 0)
}
