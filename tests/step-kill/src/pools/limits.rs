//! Calls that take about as long as they may: each ends in time, or is ended, and no other one is in its place.
//!
//! How long a call takes depends on what became of the one before it: a little more if that was in time, and a little less otherwise. So many
//! end in the very moment in which the pool ends them.

use std::io::{self, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::{Duration, Instant};

use carom::{Pool, RawArray};
use carom_step_kill::{Belongings, Bystander, Fault, Kind, Random, Seed, Tally, see_orphans_end};

use super::journal::{Journal, nanoseconds};
use super::ledger::{End, check_times};
use super::load::watch;
use super::owner::pool_of;
use super::tasks;

const LIMIT: Duration = Duration::from_millis(4);

/// Who makes calls, and the workers of its pool.
const LOADERS: usize = 2;

/// A worker ends after so many calls.
const MOST: u64 = 50;

/// The calls of a chunk: the first takes about as long as it may, the others take no time.
const CHUNK: u32 = 3;

/// By how much longer or shorter calls become, at most, in microseconds.
const STEP: u64 = 30;

/// What the owner says, by place: how many chunks each thread has dealt with, and how many calls were ended.
const ENDED: usize = LOADERS;
const WORDS: usize = LOADERS + 1;

/// Has so many calls be ended by their limit, and adds to the tally what came of it.
pub(super) fn end_calls(random: &Random, tally: &mut Tally) {
    let start = Instant::now();
    let words = RawArray::<u32>::zeroed(WORDS).expect("memory");
    let _ = io::stdout().flush();
    let mut owner = Bystander::telling(|| own((random.kills / 4).max(2) as u32, random.seed, &words));
    let end = watch(&mut owner, &words, LOADERS - 1);
    drop(owner);
    let end = end.and(see_orphans_end());
    let word = |place| words.get(place).unwrap_or_default();
    let chunks: u32 = (0..LOADERS).map(word).sum();
    print!("Pool, limits: calls {}, ended {}; ", chunks * CHUNK, word(ENDED));
    println!("{:.1} s", start.elapsed().as_secs_f64());
    tally.count_random(word(ENDED) as usize);
    if let Err(fault) = end {
        print!("with seed {}, at limits: ", random.seed);
        tally.add(&fault);
    }
}

/// What the threads of the owner share.
struct Owner<'a> {
    pool: Pool,
    journal: Journal,
    words: &'a RawArray<u32>,
    next: AtomicU32,
    ended: AtomicU32,
    ends: Mutex<Vec<(u32, End)>>,
}

fn own(kills: u32, seed: u64, words: &RawArray<u32>) -> Result<u8, Fault> {
    let outset = Belongings::now();
    // some are in time
    let room = (kills * 16 + 64) * CHUNK;
    let owner = Owner {
        pool: pool_of(LOADERS, Some(MOST))?,
        journal: Journal::new(room as usize),
        words,
        next: AtomicU32::new(0),
        ended: AtomicU32::new(0),
        ends: Mutex::default(),
    };
    std::thread::scope(|scope| {
        let (owner, most) = (&owner, room - LOADERS as u32 * CHUNK);
        let load = |thread: usize| {
            scope.spawn(move || owner.load(thread, kills, most, Seed(seed ^ (thread as u64 + 1) << 32)))
        };
        let loaders: [_; LOADERS] = std::array::from_fn(load);
        let joined = loaders.map(|loader| loader.join().map_err(|_| Kind::Untrue.fault("a thread panicked")).flatten());
        joined.into_iter().collect::<Result<(), Fault>>()
    })?;
    let Owner { pool, journal, ends, .. } = owner;
    pool.join();
    drop(pool);
    for (call, end) in ends.into_inner().expect("nobody panicked") {
        check_times(&journal, call, end)?;
    }
    drop(journal);
    outset.kept().pop().map_or(Ok(()), Err)?;
    see_orphans_end().map_err(|_| Kind::Leaked.fault("a worker outlives its pool"))?;
    Ok(0)
}

impl Owner<'_> {
    /// Has chunks of calls made, until enough were ended, or there is no room for more.
    fn load(&self, thread: usize, kills: u32, most: u32, mut seed: Seed) -> Result<(), Fault> {
        let mut micros = LIMIT.as_micros() as u64;
        while self.ended.load(SeqCst) < kills {
            let first = self.next.fetch_add(CHUNK, SeqCst);
            if first > most {
                break;
            }
            let in_time = self.chunk(first, micros)?;
            let step = seed.below(STEP) + 1;
            micros = if in_time { micros + step } else { micros.saturating_sub(step) };
            let rounds = self.words.get(thread).expect("a word");
            self.words.set(thread, rounds + 1).expect("a word");
            self.words.set(ENDED, self.ended.load(SeqCst)).expect("a word");
        }
        Ok(())
    }

    /// Has a chunk of calls made, of which the first one takes so long; whether that was in time.
    fn chunk(&self, first: u32, micros: u64) -> Result<bool, Fault> {
        let takes = |call| if call == first { micros } else { 0 };
        let inputs = (first..first + CHUNK).map(|call| (self.journal.fd(), call, takes(call)));
        let begun = nanoseconds();
        let mut ends = Vec::new();
        let results = self.pool.job(tasks::work).chunk_size(CHUNK as usize).timeout(LIMIT).imap(inputs);
        for (result, call) in results.zip(first..) {
            let told = nanoseconds();
            let end = match result {
                Ok(value) => {
                    Kind::Torn.unless(value == tasks::answer(call), "the value is that of another call, or of none")?;
                    End::Value
                }
                Err(error) if error.time_limit_exceeded() == Some(LIMIT) => {
                    // it did not begin before the one before it had ended, wherever that was so
                    let begun = match ends.last() {
                        Some(End::Value) => self.journal.ended(call - 1),
                        _ => begun,
                    };
                    let is_over = told.saturating_sub(begun) >= LIMIT.as_nanos() as u64;
                    Kind::Untrue.unless(is_over, "a call is ended before its limit has passed")?;
                    self.ended.fetch_add(1, SeqCst);
                    End::Limit
                }
                Err(error) => return Err(Kind::Untrue.fault(format!("the error is another one: {error:?}"))),
            };
            check_times(&self.journal, call, end)?;
            ends.push(end);
        }
        Kind::Lost.unless(ends.len() == CHUNK as usize, "a call has no outcome")?;
        self.ends.lock().expect("nobody panicked").extend((first..).zip(ends.iter().copied()));
        Ok(ends[0] == End::Value)
    }
}
