//! The process with the pool, while one of its workers is moved on by instructions and killed.
//!
//! # Safety
//! Signals go to workers whose owner waits meanwhile.

use std::io::{Write, pipe};
use std::time::Duration;

use carom::{Fd, Pool, RawArray};
use carom_step_kill::{
    Belongings, Bystander, Fault, Found, Kill, Kind, PATIENCE, Stopwatch, adopt, is_asleep, see_orphans_end,
};

use super::journal::Journal;
use super::ledger::{End, Outcome, PRICE, check, check_times, deaths};
use super::tasks;

/// What is called, in which pool.
pub(crate) struct Scenario {
    pub(crate) workers: usize,
    /// Calls of which nothing is looked at, made before.
    pub(crate) before: u32,
    /// The calls that are looked at, and how many of them go together.
    pub(crate) calls: u32,
    pub(crate) chunk: usize,
    pub(crate) how: How,
    /// With several workers: the others go on before the one that will be killed does, as far as they can.
    pub(crate) others_first: bool,
    /// The owner is stopped when it has made the calls, and takes no reply before the worker is dead.
    pub(crate) stopped: bool,
    /// The calls have a limit, which is far away.
    pub(crate) limited: bool,
    /// A worker ends after so many calls, of which one is made before.
    pub(crate) most: Option<u64>,
}

/// How the owner makes the calls.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    Apply,
    /// It asks for the result again and again, and does not sleep.
    Polled,
    /// It does not ask before the worker is dead: another thread of the pool takes the reply.
    Left,
    Imap,
    Map,
    /// The answer is too long for the memory of the worker.
    Long,
    /// The answers are long, and some of them lie in one part of a reply and the others in another one.
    Parts,
    /// The request comes with a descriptor.
    Take,
}

/// Calls that nobody looks at, and those by which workers meet, have numbers behind those that are looked at.
const LOOKED_AT: u32 = 64;
const MEETINGS: u32 = 16;
const PLACES: u32 = LOOKED_AT + MEETINGS + 1;

/// What owner and supervisor say to each other, by place.
const STAGE: usize = 0;
const VICTIM: usize = 1;
const OTHER: usize = 2;
const WORDS: usize = 3;

/// Stages, in their order.
const READY: u32 = 1;
const GO: u32 = 2;
const CALLING: u32 = 3;
const KILLED: u32 = 4;

/// What the owner ends with.
const ALL_ARE_THERE: u8 = 0;
const SOME_ARE_LOST: u8 = 1;

/// A limit that no call comes to.
pub(super) const FAR_AWAY: Duration = Duration::from_secs(60);

/// How long one sleeps between looks.
const MOMENT: Duration = Duration::from_micros(50);

/// An owner of a pool, and what it says.
pub(crate) struct Stage {
    owner: Option<Bystander>,
    words: RawArray<u32>,
    scenario: &'static Scenario,
}

/// Starts an owner with a pool of which one worker sleeps, and will be killed.
///
/// # Panics
/// If it is not ready in time.
pub(crate) fn set_up(scenario: &'static Scenario) -> Stage {
    adopt();
    let words = RawArray::<u32>::zeroed(WORDS).expect("memory");
    let owner = Bystander::telling(|| own(scenario, &words));
    let mut stage = Stage { owner: Some(owner), words, scenario };
    stage.see(|stage| stage.word(STAGE) == READY, "ready");
    stage.see(|stage| is_fast_asleep(stage.victim()), "idle");
    if stage.other() != 0 {
        stage.see(|stage| is_fast_asleep(stage.other()), "idle");
    }
    stage
}

/// # Panics
/// If it takes too long.
fn wait_until(what: &str, holds: impl Fn() -> bool) {
    let mut time = Stopwatch::start();
    while !holds() {
        assert!(time.elapsed() < 3 * PATIENCE, "the pool is not {what} in time");
        std::thread::sleep(MOMENT);
    }
}

/// Whether a process sleeps, and has not just been woken.
fn is_fast_asleep(pid: u32) -> bool {
    (0..4).all(|_| {
        std::thread::yield_now();
        is_asleep(pid)
    })
}

impl Stage {
    fn word(&self, place: usize) -> u32 {
        self.words.get(place).expect("a word")
    }

    fn say(&self, place: usize, word: u32) {
        self.words.set(place, word).expect("a word");
    }

    /// The worker that will be killed.
    pub(crate) fn victim(&self) -> u32 {
        self.word(VICTIM)
    }

    fn other(&self) -> u32 {
        self.word(OTHER)
    }

    /// Waits until the owner has come to something.
    fn see(&mut self, holds: impl Fn(&Self) -> bool, what: &str) {
        let mut time = Stopwatch::start();
        while !holds(self) {
            let owner = self.owner.as_mut().expect("an owner");
            if owner.ended().is_some() {
                let fault = owner.outcome("").map_or_else(|fault| fault.text, |code| format!("{code}"));
                panic!("the owner of the pool ended: {fault}");
            }
            assert!(time.elapsed() < 4 * PATIENCE, "the pool does not become {what}");
            std::thread::sleep(MOMENT);
        }
    }

    /// Has the owner make the calls; returns when it has made them.
    pub(crate) fn call(&self) {
        let owner = self.owner.as_ref().expect("an owner").pid();
        if self.other() != 0 && !self.scenario.others_first {
            stop(self.other(), libc::SIGSTOP);
        }
        self.say(STAGE, GO);
        wait_until("called", || self.word(STAGE) == CALLING);
        // it calls, and then it sleeps, and so do the others
        if !matches!(self.scenario.how, How::Polled | How::Left) {
            wait_until("quiet", || is_fast_asleep(owner) && (self.other() == 0 || is_quiet(self.other())));
        }
        if self.scenario.stopped {
            stop(owner, libc::SIGSTOP);
        }
    }

    /// Looks what the owner finds after the kill.
    pub(crate) fn survive(mut self, kill: &Kill) -> Result<Found, Fault> {
        self.say(STAGE, KILLED);
        if self.other() != 0 {
            stop(self.other(), libc::SIGCONT);
        }
        let mut owner = self.owner.take().expect("an owner");
        stop(owner.pid(), libc::SIGCONT);
        let end = owner.outcome("a call, or the pool, does not come to an end");
        drop(owner);
        see_orphans_end()?;
        let lost = end? == SOME_ARE_LOST;
        Kind::Lost.unless(!lost || kill.begun, "a call is lost that its worker had not begun")?;
        Kind::Lost.unless(!lost || !kill.finished, "a call is lost, though its worker had answered, and sleeps")?;
        Ok(if lost { Found::Death } else { Found::Nothing })
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if let Some(owner) = self.owner.take() {
            drop(owner);
            // whoever looks for a fault has found one before
            let _ = see_orphans_end();
        }
    }
}

/// Whether a process does nothing, because it sleeps or was stopped.
fn is_quiet(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    is_fast_asleep(pid) || stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T'))
}

/// Stops a process, or has it go on.
fn stop(pid: u32, signal: libc::c_int) {
    // SAFETY: takes integers.
    unsafe { libc::kill(pid as i32, signal) };
}

/// Of which each worker ends after so many calls, if it does.
pub(crate) fn pool_of(workers: usize, most: Option<u64>) -> Result<Pool, Fault> {
    let pool = most.map_or_else(Pool::builder, |most| Pool::builder().max_tasks_per_child(most)).processes(workers);
    pool.build().map_err(|error| Kind::Untrue.fault(format!("there is no pool: {error:?}")))
}

/// What this process has when the pool's thread sleeps, which opens files for a moment when it begins.
pub(super) fn belongings() -> Result<Belongings, Fault> {
    let mut time = Stopwatch::start();
    let all_sleep = || {
        let threads = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
        let ids = threads.filter_map(|thread| thread.file_name().to_str()?.parse().ok());
        ids.filter(|id| *id != std::process::id()).all(is_fast_asleep)
    };
    while !all_sleep() {
        Kind::Hang.unless(time.elapsed() < PATIENCE, "a pool that has nothing to do does not sleep")?;
        std::thread::sleep(MOMENT);
    }
    Ok(Belongings::now())
}

/// Has all workers be in a call at the same time, so that each of them has done once what is done once; their ids.
pub(crate) fn meet(pool: &Pool, journal: &Journal, place: u32) -> Result<Vec<u32>, Fault> {
    let all = pool.processes() as u32;
    let calls = pool.job(tasks::meet).chunk_size(1).imap((0..all).map(|_| (journal.fd(), place, all)));
    let mut pids = Vec::new();
    for pid in calls {
        pids.push(pid.map_err(|error| Kind::Untrue.fault(format!("a following call fails: {error:?}")))?);
    }
    pids.sort_unstable();
    pids.dedup();
    Kind::Lost.unless(pids.len() == all as usize && !pids.contains(&0), "the pool has not all of its workers")?;
    Ok(pids)
}

/// What the owner does.
fn own(scenario: &Scenario, words: &RawArray<u32>) -> Result<u8, Fault> {
    let word = |place| words.get(place).expect("a word");
    let say = |place, word| words.set(place, word).expect("a word");
    let until = |stage| {
        while word(STAGE) != stage {
            std::thread::sleep(MOMENT);
        }
    };
    let journal = Journal::new(PLACES as usize);
    let outset = Belongings::now();
    let pool = pool_of(scenario.workers, scenario.most)?;
    for _ in 0..scenario.before {
        let done = pool.apply(tasks::note, (journal.fd(), PLACES - 1));
        done.map_err(|error| Kind::Untrue.fault(format!("a call before fails: {error:?}")))?;
    }
    let pids = meet(&pool, &journal, LOOKED_AT)?;
    let before = belongings()?;
    say(VICTIM, pids[0]);
    say(OTHER, pids.get(1).copied().unwrap_or(0));
    say(STAGE, READY);
    until(GO);

    let outcomes = make_calls(scenario, &pool, &journal, &|| say(STAGE, CALLING), &|| until(KILLED));
    let ends = check(&journal, 0, &outcomes)?;
    Kind::Lost.unless(ends.len() == scenario.calls as usize, "a call has no outcome")?;
    let told = ends.iter().filter(|end| **end == End::Lost).count();
    Kind::Lost.unless(deaths(&ends) < 2, "one death costs more than it may")?;
    let unmade = (0..scenario.calls).filter(|call| journal.times(*call) == 0).count();
    let most = if told > 0 { PRICE } else { 0 };
    Kind::Lost.unless(unmade <= most, "calls were not made, and nobody is told")?;
    until(KILLED);

    let mut time = Stopwatch::start();
    let is_whole = || pool.worker_pids().len() == scenario.workers && !pool.worker_pids().contains(&word(VICTIM));
    while !is_whole() {
        Kind::Lost.unless(time.elapsed() < PATIENCE, "nobody takes the place of the worker")?;
        std::thread::sleep(MOMENT);
    }
    for place in 1..3 {
        meet(&pool, &journal, LOOKED_AT + place)?;
    }
    // what is given up is given up soon; where workers end by themselves, there may be one more, or not
    time = Stopwatch::start();
    while let Some(fault) = before.kept().pop().filter(|_| scenario.most.is_none()) {
        if time.elapsed() > PATIENCE / 4 {
            return Err(fault);
        }
        std::thread::sleep(MOMENT);
    }
    pool.join();
    drop(pool);
    outset.kept().pop().map_or(Ok(()), Err)?;
    for (call, end) in (0..).zip(&ends) {
        check_times(&journal, call, *end)?;
    }
    see_orphans_end().map_err(|_| Kind::Leaked.fault("a worker outlives its pool"))?;
    Ok(if told > 0 { SOME_ARE_LOST } else { ALL_ARE_THERE })
}

/// Makes the calls, and says so just before it sleeps.
fn make_calls(
    scenario: &Scenario,
    pool: &Pool,
    journal: &Journal,
    calling: &dyn Fn(),
    until_killed: &dyn Fn(),
) -> Vec<Outcome> {
    let fd = journal.fd();
    let calls = 0..scenario.calls;
    match scenario.how {
        How::Apply => {
            calling();
            vec![pool.apply(tasks::note, (fd, 0)).into()]
        }
        How::Polled => {
            let result = pool.apply_async(tasks::note, (fd, 0));
            calling();
            while !result.ready() {
                std::hint::spin_loop();
            }
            vec![result.get().into()]
        }
        How::Left => {
            let result = pool.apply_async(tasks::note, (fd, 0));
            calling();
            until_killed();
            vec![result.get().into()]
        }
        How::Imap => {
            calling();
            let mut job = pool.job(tasks::note).chunk_size(scenario.chunk);
            if scenario.limited {
                job = job.timeout(FAR_AWAY);
            }
            job.imap(calls.map(|call| (fd, call))).map(Outcome::from).collect()
        }
        How::Parts => {
            calling();
            let length = |call: u32| tasks::SECOND_HAS_NO_ROOM[call as usize];
            let inputs = calls.clone().map(|call| (fd, call, length(call), call == 1));
            let results = pool.job(tasks::note_at_length).chunk_size(scenario.chunk).imap(inputs);
            results.zip(calls).map(|(long, call)| long.map(|long| long.answer(call, length(call))).into()).collect()
        }
        How::Map => {
            calling();
            match pool.job(tasks::note).chunk_size(scenario.chunk).map(calls.clone().map(|call| (fd, call))) {
                Ok(values) => values.into_iter().map(Outcome::Value).collect(),
                Err(error) => {
                    let mut outcomes: Vec<_> = calls.map(|_| Outcome::Untold).collect();
                    let index = error.index().unwrap_or(0);
                    outcomes[index] = Outcome::Error(error);
                    outcomes
                }
            }
        }
        How::Long => {
            calling();
            vec![
                pool.apply(tasks::note_at_length, (fd, 0, tasks::MANY, true))
                    .map(|long| long.answer(0, tasks::MANY))
                    .into(),
            ]
        }
        How::Take => {
            let (reader, mut writer) = pipe().expect("two descriptors");
            writer.write_all(&tasks::answer(0).to_ne_bytes()).expect("eight bytes");
            drop(writer);
            calling();
            vec![pool.apply(tasks::take, (fd, 0, Fd(reader))).into()]
        }
    }
}
