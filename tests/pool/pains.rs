//! What other libraries' pools hang on, or lose; those of it that no other file is about.
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::common::{LONG, watchdog, watchdog_after};
use crate::losses::{all_stand, die, replaced};
use crate::stage::{Journal, Stage, note, pool_of, signal, square, stand, twice};

#[carom::test]
fn a_pool_whose_idle_workers_were_killed_works_and_ends() {
    let _watchdog = watchdog_after(2 * LONG);
    for end in 0..4 {
        for killed in 1..=3 {
            let pool = pool_of(3);
            // they sleep, waiting for something to do
            all_stand(&pool);
            let pids = pool.worker_pids();
            pids[..killed].iter().for_each(|pid| signal(*pid, libc::SIGKILL));
            match end {
                0 => {
                    replaced(&pool, &pids[..killed]);
                    assert_eq!(pool.map(square, 0..50).expect("squares").len(), 50);
                    pool.join();
                }
                1 => pool.join(),
                2 => pool.terminate(),
                _ => {}
            }
            drop(pool);
        }
    }
}

/// An error that says what it is to do when it is sent or received.
#[derive(Debug)]
struct Awkward(u8);

impl Serialize for Awkward {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            1 => Err(serde::ser::Error::custom("not to be sent")),
            number => number.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Awkward {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u8::deserialize(deserializer)? {
            2 => Err(serde::de::Error::custom("not to be received")),
            number => Ok(Self(number)),
        }
    }
}

#[carom::task]
fn fail_with(number: u8) -> Result<u8, Awkward> {
    if number < 4 { Err(Awkward(number)) } else { Ok(number) }
}

#[carom::task]
fn number_of(awkward: Awkward) -> u8 {
    awkward.0
}

#[carom::test]
fn an_error_that_cannot_be_sent_or_received_is_the_error_of_its_call() {
    let _watchdog = watchdog();
    let pool = pool_of(2);
    for size in [1, 3, 50] {
        let results: Vec<_> = pool.job(fail_with).chunk_size(size).imap((0..50).map(|i| i % 5)).collect();
        assert_eq!(results.len(), 50);
        for (i, result) in (0..).zip(results) {
            match (i % 5, result) {
                (0 | 3, Ok(Err(Awkward(number)))) => assert_eq!(number, i % 5),
                (4, Ok(Ok(number))) => assert_eq!(number, 4),
                (1 | 2, Err(error)) => assert!(error.is_codec(), "{error}"),
                (_, result) => panic!("{i}: {result:?}"),
            }
        }
    }
    let error = pool.apply(fail_with, 2).map(drop).expect_err("it is not received");
    assert!(format!("{error:?}").ends_with("not to be received"), "{error:?}");
}

#[carom::test]
fn an_argument_that_cannot_be_sent_is_an_error_at_once_though_all_workers_stand() {
    let _watchdog = watchdog();
    let pool = pool_of(1);
    let mut stage = Stage::new();
    let standing = pool.apply_async(stand, stage.part());
    let worker = stage.next();
    // more than any number of requests that may be under way
    for _ in 0..500 {
        let result = pool.apply_async(number_of, Awkward(1));
        assert!(result.ready());
        assert!(result.get().expect_err("not sent").is_codec());
    }
    assert_eq!(pool.imap(number_of, [(); 500].map(|()| Awkward(1))).filter(Result::is_err).count(), 500);
    let queued = pool.apply_async(number_of, Awkward(7));
    stage.open();
    assert_eq!(standing.get().expect("a pid"), worker);
    assert_eq!(queued.get().expect("its place was not taken by the others"), 7);
}

#[carom::test]
fn a_pool_can_be_joined_before_large_results_are_taken() {
    let _watchdog = watchdog_after(2 * LONG);
    let pool = pool_of(2);
    // more than any memory that is shared with a worker
    let results: Vec<_> = (0..60).map(|_| pool.apply_async(twice, "x".repeat(512 << 10))).collect();
    pool.join();
    assert!(results.into_iter().all(|result| result.get_timeout(Duration::ZERO).expect("a text").len() == 1 << 20));
}

#[carom::task]
fn note_or_die(journal: std::path::PathBuf, number: u32) -> u32 {
    note(journal, number);
    if number.is_multiple_of(3) {
        die("kill".to_owned());
    }
    number
}

#[carom::test]
fn every_handle_has_an_outcome_when_its_pool_is_ended_while_workers_die() {
    let _watchdog = watchdog_after(3 * LONG);
    for round in 0..30 {
        let (pool, journal) = (pool_of(2), Journal::new());
        let limit = Duration::from_millis(5);
        let results: Vec<_> = (0..60)
            .map(|number| match number % 2 {
                0 => pool.job(note_or_die).retries(1).apply_async((journal.path(), number)),
                _ => pool.job(note_or_die).timeout(limit).apply_async((journal.path(), number)),
            })
            .collect();
        // some are done, some are under way, some are queued
        let _ = results[round].wait(Duration::MAX);
        match round % 3 {
            0 => pool.terminate(),
            1 => pool.join(),
            _ => {}
        }
        drop(pool);
        for (number, result) in (0..).zip(results) {
            assert!(result.ready(), "{number} in round {round}");
            match result.get() {
                Ok(same) => assert!(same == number && number % 3 != 0),
                Err(error) => {
                    let is_lost = error.worker_lost().is_some() && number % 3 == 0;
                    let is_overdue = error.time_limit_exceeded().is_some() && number % 2 == 1;
                    assert!(is_lost || is_overdue || (error.is_terminated() && round % 3 != 1), "{error}");
                }
            }
        }
        let lines = journal.lines();
        for number in 0..60 {
            let times = lines.iter().filter(|line| **line == number.to_string()).count();
            assert!(times <= if number % 6 == 0 { 2 } else { 1 });
        }
    }
}

#[carom::test]
fn an_iterator_over_calls_that_all_die_gives_an_error_for_each_and_ends() {
    let _watchdog = watchdog_after(2 * LONG);
    let pool = pool_of(2);
    for size in [1, 10] {
        for ordered in [true, false] {
            let inputs = (0..20).map(|i| if i % 2 == 0 { "kill" } else { "0" }.to_owned());
            let job = pool.job(die).chunk_size(size);
            let results: Vec<_> =
                if ordered { job.imap(inputs).collect() } else { job.imap_unordered(inputs).collect() };
            assert_eq!(results.len(), 20);
            let mut indices: Vec<_> = results
                .into_iter()
                .map(|result| {
                    let error = result.expect_err("it dies");
                    assert!(error.worker_lost().is_some(), "{error}");
                    error.index().expect("an index")
                })
                .collect();
            assert!(!ordered || indices.is_sorted());
            indices.sort_unstable();
            assert!(indices.into_iter().eq(0..20), "one for each");
        }
    }
    all_stand(&pool);
}
