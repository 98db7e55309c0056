//! Pools that have much to do, while their workers are killed or stopped at random moments.
//!
//! The owner has two threads that make calls, and one that kills. What became of every call is kept to the end, when it is looked at again.
//!
//! # Safety
//! System calls that take integers, or descriptors that nobody else knows of.

use std::fs::File;
use std::io::{self, Write, pipe};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use carom::{Fd, Pool, RawArray};
use carom_step_kill::{Belongings, Bystander, Fault, Kind, PATIENCE, Random, Seed, Stopwatch, Tally, see_orphans_end};

use super::journal::Journal;
use super::ledger::{End, Outcome, check, check_times, deaths};
use super::owner::{FAR_AWAY, belongings, meet, pool_of};
use super::tasks;

/// Pools of so many workers, of which each ends after so many calls, if it does.
const POOLS: [(usize, Option<u64>); 3] = [(2, None), (3, Some(40)), (4, None)];

/// So many calls have room in the journal, and behind them the places where workers meet.
const CALLS: u32 = 1 << 21;
const MEETINGS: u32 = 64;

/// The time between kills, in microseconds, and for how long one is stopped.
const MOMENT: u64 = 5000;
const STOPPED: u64 = 4000;

/// For how long an owner lives that will be killed, in microseconds.
const LIFE: u64 = 12_000;

/// A thread that has made no calls for so long waits for ever.
const STARVED: Duration = Duration::from_secs(5);

/// Who has calls made.
const LOADERS: usize = 2;

/// What the owner says, by place: how often each thread has come to an end of something, and then the sums.
const KILLS: usize = LOADERS;
const LOST: usize = LOADERS + 1;
const MADE: usize = LOADERS + 2;
const WORDS: usize = LOADERS + 3;

/// Kills workers at random, and adds to the tally what came of it.
pub(super) fn kill_workers(random: &Random, tally: &mut Tally) {
    for (workers, most) in POOLS {
        if tally.is_full() {
            return;
        }
        let (start, seed) = (Instant::now(), random.seed.wrapping_add(workers as u64));
        let words = RawArray::<u32>::zeroed(WORDS).expect("memory");
        let _ = io::stdout().flush();
        let mut owner = Bystander::telling(|| own((workers, most), random.kills / POOLS.len(), seed, &words));
        let end = watch(&mut owner, &words, KILLS);
        drop(owner);
        let end = end.and(see_orphans_end());
        let [kills, lost, made] = [KILLS, LOST, MADE].map(|place| words.get(place).unwrap_or_default());
        print!("Pool of {workers} workers: random kills {kills}, calls {made}, lost {lost}; ");
        println!("{:.1} s", start.elapsed().as_secs_f64());
        tally.count_random(kills as usize);
        if let Err(fault) = end {
            print!("with seed {} for a pool of {workers}: ", random.seed);
            tally.add(&fault);
        }
    }
}

/// Kills processes that have pools, at random moments of their lives, and looks whether their workers end.
pub(super) fn kill_owners(random: &Random, tally: &mut Tally) {
    let start = Instant::now();
    let (kills, mut seed) = (random.kills / 8, Seed(random.seed));
    for kill in 0..kills {
        let (words, pool) = (RawArray::<u32>::zeroed(WORDS).expect("memory"), POOLS[kill % POOLS.len()]);
        let owner = Bystander::telling(|| {
            be_silent();
            own(pool, usize::MAX, seed.number(), &words)
        });
        std::thread::sleep(Duration::from_micros(seed.below(LIFE)));
        drop(owner);
        if let Err(fault) = see_orphans_end() {
            print!("with seed {}, owner {kill}: ", random.seed);
            tally.add(&fault);
            break;
        }
    }
    println!("Pool, its owner: random kills {kills}; {:.1} s", start.elapsed().as_secs_f64());
    tally.count_random(kills);
}

/// Workers that find nobody to be ready for say so.
fn be_silent() {
    let nowhere = File::options().write(true).open("/dev/null").expect("a descriptor");
    // SAFETY: takes integers.
    unsafe { libc::dup2(nowhere.as_raw_fd(), libc::STDERR_FILENO) };
}

/// Waits until the owner has ended, or one of its threads up to the last one does not go on.
pub(super) fn watch(owner: &mut Bystander, words: &RawArray<u32>, last: usize) -> Result<(), Fault> {
    let mut seen = words.to_vec();
    let mut since = (0..=last).map(|_| Stopwatch::start()).collect::<Vec<_>>();
    while owner.ended().is_none() {
        std::thread::sleep(Duration::from_millis(1));
        let now = words.to_vec();
        for thread in 0..=last {
            if now[thread] != seen[thread] {
                since[thread] = Stopwatch::start();
            }
            let text = format!("thread {thread} does not go on, after {} rounds", now[thread]);
            Kind::Hang.unless(since[thread].elapsed() < STARVED, &text)?;
        }
        seen = now;
    }
    owner.outcome("").map(drop)
}

/// What the threads of the owner share.
struct Owner<'a> {
    pool: Pool,
    journal: Journal,
    words: &'a RawArray<u32>,
    next: AtomicU32,
    meetings: AtomicU32,
    deaths: AtomicUsize,
    is_over: AtomicBool,
    ends: Mutex<Vec<(u32, Vec<End>)>>,
}

fn own((workers, most): (usize, Option<u64>), kills: usize, seed: u64, words: &RawArray<u32>) -> Result<u8, Fault> {
    let outset = Belongings::now();
    let owner = Owner {
        pool: pool_of(workers, most)?,
        journal: Journal::new((CALLS + MEETINGS + 1) as usize),
        words,
        next: AtomicU32::new(0),
        meetings: AtomicU32::new(0),
        deaths: AtomicUsize::new(0),
        is_over: AtomicBool::new(false),
        ends: Mutex::default(),
    };
    Kind::Untrue.unless(owner.all_meet(), "the pool does not begin with all of its workers")?;
    let before = belongings()?;
    let killed = std::thread::scope(|scope| {
        let owner = &owner;
        let load = |thread: usize| {
            scope.spawn(move || {
                let end = owner.load(thread, Seed(seed ^ (thread as u64 + 1) << 32));
                owner.is_over.store(true, SeqCst);
                end
            })
        };
        let loaders: [_; LOADERS] = std::array::from_fn(load);
        let killed = owner.kill(kills, Seed(seed));
        owner.is_over.store(true, SeqCst);
        for loader in loaders {
            loader.join().map_err(|_| Kind::Untrue.fault("a thread panicked"))??;
        }
        Ok(killed)
    })?;
    let told = owner.deaths.load(SeqCst);
    Kind::Lost.unless(told <= killed, &format!("{killed} deaths cost what {told} may cost"))?;
    owner.stands(workers, Some(&before).filter(|_| most.is_none()))?;
    let Owner { pool, journal, ends, .. } = owner;
    pool.join();
    drop(pool);
    for (first, ends) in ends.into_inner().expect("nobody panicked") {
        for (call, end) in (first..).zip(ends) {
            check_times(&journal, call, end)?;
        }
    }
    drop(journal);
    outset.kept().pop().map_or(Ok(()), Err)?;
    see_orphans_end().map_err(|_| Kind::Leaked.fault("a worker outlives its pool"))?;
    Ok(0)
}

impl Owner<'_> {
    fn add(&self, place: usize, more: u32) {
        let word = self.words.get(place).expect("a word");
        self.words.set(place, word.wrapping_add(more)).expect("a word");
    }

    /// Has calls made, until it is over.
    fn load(&self, thread: usize, mut seed: Seed) -> Result<(), Fault> {
        while !self.is_over.load(SeqCst) {
            let (count, chunk) =
                [(4, 1), (8, 1), (24, 1), (28, 7), (30, 5), (24, 3), (2, 1), (1, 1), (20, 10)][seed.below(9) as usize];
            let first = self.next.fetch_add(count, SeqCst);
            if first + count > CALLS {
                return Ok(());
            }
            let outcomes = self.round(first, count, chunk, &mut seed);
            Kind::Lost.unless(outcomes.len() == count as usize, "a call has no outcome")?;
            let ends = check(&self.journal, first, &outcomes)?;
            self.deaths.fetch_add(deaths(&ends), SeqCst);
            let lost = ends.iter().filter(|end| **end == End::Lost).count() as u32;
            let mut all = self.ends.lock().expect("nobody panicked");
            self.add(LOST, lost);
            self.add(MADE, count);
            all.push((first, ends));
            drop(all);
            self.add(thread, 1);
        }
        Ok(())
    }

    /// Some calls, which go in chunks of this size.
    fn round(&self, first: u32, count: u32, chunk: usize, seed: &mut Seed) -> Vec<Outcome> {
        let (pool, fd) = (&self.pool, self.journal.fd());
        let calls = first..first + count;
        let works = |call| (fd, call, 1 + u64::from(call) % 50);
        let limited = seed.below(2) == 0;
        let in_chunks = || {
            let job = pool.job(tasks::work).chunk_size(chunk);
            if limited { job.timeout(FAR_AWAY) } else { job }
        };
        match (count, chunk) {
            (1, _) if seed.below(4) == 0 => {
                let long = pool.apply(tasks::note_at_length, (fd, first, tasks::MANY, false));
                vec![long.map(|long| long.answer(first, tasks::MANY)).into()]
            }
            // in some parts
            (20, _) => {
                let length = |call: u32| (call as usize * 7919) % (32 << 10);
                let inputs = calls.clone().map(|call| (fd, call, length(call), false));
                let results = pool.job(tasks::note_at_length).chunk_size(chunk).imap(inputs);
                let answer =
                    |(long, call): (Result<tasks::Long, _>, u32)| long.map(|long| long.answer(call, length(call)));
                results.zip(calls).map(|found| answer(found).into()).collect()
            }
            (2, _) => {
                let take = |call| {
                    let (reader, mut writer) = pipe().expect("two descriptors");
                    writer.write_all(&tasks::answer(call).to_ne_bytes()).expect("eight bytes");
                    pool.apply_async(tasks::take, (fd, call, Fd(reader)))
                };
                let results: Vec<_> = calls.map(take).collect();
                results.into_iter().map(|result| result.get().into()).collect()
            }
            (8, _) => {
                let results: Vec<_> = calls.map(|call| pool.apply_async(tasks::work, works(call))).collect();
                let mut outcomes: Vec<_> = results.into_iter().rev().map(|result| result.get().into()).collect();
                outcomes.reverse();
                outcomes
            }
            (30, _) => match in_chunks().map(calls.clone().map(works)) {
                Ok(values) => values.into_iter().map(Outcome::Value).collect(),
                Err(error) => {
                    let mut outcomes: Vec<_> = calls.map(|_| Outcome::Untold).collect();
                    let index = error.index().unwrap_or(0);
                    outcomes[index] = Outcome::Error(error);
                    outcomes
                }
            },
            // who takes some results, and wants no more
            (24, 3) => {
                let some: Vec<Outcome> = in_chunks().imap(calls.map(works)).take(6).map(Outcome::from).collect();
                some.into_iter().chain(std::iter::repeat_with(|| Outcome::Untold)).take(count as usize).collect()
            }
            (24 | 28, _) => in_chunks().imap(calls.map(works)).map(Outcome::from).collect(),
            _ => calls.map(|call| pool.apply(tasks::note, (fd, call)).into()).collect(),
        }
    }

    /// Whether all workers can be in a call at the same time.
    fn all_meet(&self) -> bool {
        let place = self.meetings.fetch_add(1, SeqCst) % MEETINGS;
        meet(&self.pool, &self.journal, CALLS + place).is_ok()
    }

    /// Kills workers; how many.
    fn kill(&self, kills: usize, mut seed: Seed) -> usize {
        let mut killed = 0;
        while killed < kills && !self.is_over.load(SeqCst) {
            std::thread::sleep(Duration::from_micros(seed.below(MOMENT)));
            let pids = self.pool.worker_pids();
            let Some(pid) = pids.get(seed.below(pids.len().max(1) as u64) as usize).copied() else { continue };
            let strikes: &[u32] = match seed.below(16) {
                0..3 => {
                    if let Some(worker) = self.worker(pid) {
                        signal(&worker, libc::SIGSTOP);
                        std::thread::sleep(Duration::from_micros(seed.below(STOPPED)));
                        if seed.below(2) == 0 {
                            signal(&worker, libc::SIGKILL);
                            killed += 1;
                        }
                        signal(&worker, libc::SIGCONT);
                    }
                    &[]
                }
                3 => &pids,
                4 | 5 => &pids[..2.min(pids.len())],
                _ => &[pid],
            };
            for pid in strikes {
                if let Some(worker) = self.worker(*pid) {
                    signal(&worker, libc::SIGKILL);
                    killed += 1;
                }
            }
            self.words.set(KILLS, killed as u32).expect("a word");
        }
        killed
    }

    /// A worker, by a descriptor that refers to no other process.
    fn worker(&self, pid: u32) -> Option<OwnedFd> {
        // SAFETY: takes integers.
        let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
        // SAFETY: it has just been opened, and nobody else knows of it.
        let worker = (fd >= 0).then(|| unsafe { OwnedFd::from_raw_fd(fd as i32) })?;
        // it was not reaped before, so it is that one
        self.pool.worker_pids().contains(&pid).then_some(worker)
    }

    /// Looks whether the pool is as it was, and has what it had, where that is not by chance.
    fn stands(&self, workers: usize, before: Option<&Belongings>) -> Result<(), Fault> {
        let start = Instant::now();
        // those who were killed last may be taken for workers still
        while self.pool.worker_pids().len() != workers || !self.all_meet() {
            Kind::Lost.unless(start.elapsed() < 2 * PATIENCE, "nobody takes the place of a worker")?;
            std::thread::sleep(Duration::from_millis(1));
        }
        let start = Instant::now();
        while let Some(fault) = before.and_then(|before| before.kept().pop()) {
            if start.elapsed() > PATIENCE {
                return Err(fault);
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }
}

fn signal(process: &OwnedFd, signal: libc::c_int) {
    let none = std::ptr::null::<libc::siginfo_t>();
    // SAFETY: takes integers, and a pointer that may be null.
    unsafe { libc::syscall(libc::SYS_pidfd_send_signal, process.as_raw_fd(), signal, none, 0) };
}
