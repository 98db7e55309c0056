//! Single calls: what goes there and what comes back.
use std::time::Duration;

use carom::{RemoteError, TaskError};
use serde::{Deserialize, Serialize};

use crate::common::{LONG, eventually, watchdog, watchdog_after};
use crate::stage::{Journal, Stage, note, pool_of, square, stand, twice, whoami};

#[carom::task]
fn nothing() {}

#[carom::task]
fn ratio(a: i32, b: i32) -> f64 {
    f64::from(a) / f64::from(b)
}

#[carom::task]
fn join(words: Vec<String>, between: char, mut times: u8) -> Option<String> {
    times += 1;
    (!words.is_empty()).then(|| words.join(&between.to_string()).repeat(times.into()))
}

#[carom::test]
fn a_call_gives_what_its_task_returns() {
    let _watchdog = watchdog();
    let pool = pool_of(2);
    let () = pool.apply(nothing, ()).expect("nothing");
    assert_eq!(pool.apply(square, 12).expect("a number"), 144);
    assert_eq!(pool.apply(ratio, (1, 4)).expect("two arguments"), 0.25);
    assert_eq!(pool.apply(twice, "grüße\0".to_owned()).expect("a text"), "grüße\0grüße\0");
    let words = vec!["a".to_owned(), "b".to_owned()];
    assert_eq!(pool.apply(join, (words, '-', 1)).expect("three arguments").as_deref(), Some("a-ba-b"));
    assert_eq!(pool.apply(join, (Vec::new(), '-', 1)).expect("none is a value"), None);
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Refusal {
    Odd { number: u64 },
    TooLarge,
}

#[carom::task]
fn halve(number: u64) -> Result<u64, Refusal> {
    match number {
        100.. => Err(Refusal::TooLarge),
        number if number % 2 == 1 => Err(Refusal::Odd { number }),
        number => Ok(number / 2),
    }
}

#[carom::task]
fn parse(text: String) -> Result<u8, RemoteError> {
    Ok(text.parse()?)
}

#[carom::task]
fn complain() -> Result<(), String> {
    Err("no".to_owned())
}

#[carom::test]
fn an_err_is_a_result_like_any_other() {
    let _watchdog = watchdog();
    let pool = pool_of(1);
    assert_eq!(pool.apply(halve, 8).expect("done"), Ok(4));
    assert_eq!(pool.apply(halve, 7).expect("done"), Err(Refusal::Odd { number: 7 }));
    assert_eq!(pool.apply(halve, 100).expect("done"), Err(Refusal::TooLarge));
    assert_eq!(pool.apply(complain, ()).expect("done"), Err("no".to_owned()));
    assert_eq!(pool.apply(parse, "8".to_owned()).expect("done").expect("parsed"), 8);
    let error = pool.apply(parse, "x".to_owned()).expect("done").expect_err("no number");
    assert_eq!(error.to_string(), "invalid digit found in string");
    assert_eq!(error.type_name(), "core::num::error::ParseIntError");
    assert!(error.location().0.ends_with("tests/pool/calls.rs"), "{error:?}");
}

carom::tasks! {
    u64::midpoint as midpoint(a: u64, b: u64) -> u64;
    #[task(name = "text.bytes")]
    String::into_bytes as bytes_of(text: String) -> Vec<u8>;
    std::process::id as foreign_pid() -> u32;
}

#[carom::test]
fn functions_that_know_nothing_of_carom_are_called() {
    let _watchdog = watchdog();
    let pool = pool_of(1);
    assert_eq!(pool.apply(midpoint, (1, 9)).expect("a number"), 5);
    assert_eq!(pool.apply(bytes_of, "hey".to_owned()).expect("bytes"), b"hey");
    assert_eq!([pool.apply(foreign_pid, ()).expect("a pid")], *pool.worker_pids());
    assert_eq!(pool.apply(carom_test_tasks::double, 4).expect("of another crate"), 8);
}

#[carom::test]
fn calls_run_in_the_workers_and_one_at_a_time_in_each() {
    let _watchdog = watchdog();
    let pool = pool_of(3);
    assert_eq!(pool.processes(), 3);
    let mut stage = Stage::new();
    let results: Vec<_> = (0..4).map(|_| pool.apply_async(stand, stage.part())).collect();
    let mut on_stage = [stage.next(), stage.next(), stage.next()];
    let mut workers = pool.worker_pids();
    on_stage.sort_unstable();
    workers.sort_unstable();
    assert_eq!(on_stage, *workers);
    assert!(!workers.contains(&std::process::id()));
    assert!(format!("{pool:?}").starts_with("Pool { worker_pids: ["), "{pool:?}");
    stage.open();
    for result in results {
        assert!(workers.contains(&result.get().expect("a pid")));
    }
}

#[carom::task]
fn reversed(mut numbers: Vec<u64>, text: String) -> (Vec<u64>, String) {
    numbers.reverse();
    (numbers, text)
}

#[carom::test]
fn many_threads_send_and_receive_many_mebibytes_at_once() {
    let _watchdog = watchdog_after(3 * LONG);
    let pool = pool_of(3);
    std::thread::scope(|scope| {
        for thread in 0..8_u64 {
            let pool = &pool;
            scope.spawn(move || {
                for round in 0..4 {
                    let numbers: Vec<u64> = (0..500_000).map(|i| i << thread).collect();
                    let text = format!("{thread} {round} ").repeat(500_000);
                    let (mut back, same) = pool.apply(reversed, (numbers.clone(), text.clone())).expect("reversed");
                    back.reverse();
                    assert!(back == numbers && same == text, "thread {thread}, round {round}");
                    assert_eq!(pool.apply(square, thread).expect("a small one between"), thread * thread);
                }
            });
        }
    });
}

#[carom::test]
fn threads_that_map_and_threads_that_call_take_each_others_replies() {
    let _watchdog = watchdog_after(3 * LONG);
    let pool = pool_of(2);
    std::thread::scope(|scope| {
        for thread in 0..6_u64 {
            let pool = &pool;
            scope.spawn(move || {
                for round in 0..100 {
                    let first = thread * 1000 + round;
                    if thread % 3 == 0 {
                        let squares = pool.job(square).chunk_size(1).map(first..first + 60).expect("squares");
                        assert!(squares.into_iter().eq((first..first + 60).map(|x| x * x)));
                    } else if thread % 3 == 1 {
                        assert_eq!(pool.apply(square, first).expect("a square"), first * first);
                    } else {
                        let results: Vec<_> = (0..5).map(|i| pool.apply_async(square, first + i)).collect();
                        for (i, result) in (0..5).zip(results) {
                            assert_eq!(result.get().expect("a square"), (first + i) * (first + i));
                        }
                    }
                }
            });
        }
    });
}

#[carom::test]
fn nothing_is_run_after_close_or_terminate() {
    let _watchdog = watchdog();
    type Way = (fn(&carom::Pool), fn(&TaskError) -> bool, &'static str);
    let ways: [Way; 3] = [
        (carom::Pool::close, TaskError::is_closed, "was not run because its pool is closed"),
        (carom::Pool::join, TaskError::is_closed, "was not run because its pool is closed"),
        (carom::Pool::terminate, TaskError::is_terminated, "was not finished because its pool was terminated"),
    ];
    for (end, is, text) in ways {
        let (pool, journal) = (pool_of(1), Journal::new());
        end(&pool);
        let error = pool.apply(note, (journal.path(), 1)).expect_err("ended");
        assert!(is(&error) && error.worker_lost().is_none() && error.panic().is_none(), "{error}");
        assert_eq!(error.to_string(), format!("task `pool::stage::note` {text}"));
        assert!(pool.apply_async(note, (journal.path(), 2)).get_timeout(Duration::ZERO).is_err_and(|e| is(&e)));
        assert!(pool.map(note, [(journal.path(), 3)]).is_err_and(|error| is(&error)));
        for item in pool.imap(note, [(journal.path(), 4), (journal.path(), 5)]) {
            assert!(is(&item.expect_err("ended")));
        }
        pool.join();
        assert!(journal.lines().is_empty());
        assert_eq!(pool.worker_pids(), []);
    }
}

#[carom::task]
fn squares_by_a_pool(count: u64) -> Vec<u64> {
    pool_of(2).map(square, 0..count).expect("squares")
}

#[carom::test]
fn a_worker_may_have_a_pool_of_its_own() {
    let _watchdog = watchdog();
    let pool = pool_of(2);
    let all = pool.map(squares_by_a_pool, [0, 1, 5]).expect("squares of squares");
    assert_eq!(all, [vec![], vec![0], vec![0, 1, 4, 9, 16]]);
}

#[carom::test]
fn a_pool_has_a_worker_for_each_cpu_if_nothing_is_said() {
    let _watchdog = watchdog();
    let pool = carom::Pool::new().expect("a pool");
    assert_eq!(pool.processes(), carom::cpu_count());
    assert_eq!(pool.worker_pids().len(), carom::cpu_count());
    let worker = pool.apply(whoami, ()).expect("a pid");
    eventually("it is listed", || carom::active_children().iter().any(|child| child.pid() == worker));
}
