//! Calls that end their workers: what that costs, and what it does not.
use std::os::unix::process::CommandExt;
use std::path::PathBuf;

use carom::Pool;

use crate::common::{LONG, eventually, watchdog, watchdog_after};
use crate::stage::{Journal, Stage, note, pool_of, signal, square, stand, whoami};

#[carom::task]
pub(crate) fn die(how: String) -> u64 {
    match &*how {
        "kill" => signal(std::process::id(), libc::SIGKILL),
        "segfault" => {
            let nowhere = std::ptr::without_provenance_mut::<u8>(64);
            // SAFETY: none; this is to crash.
            unsafe { nowhere.write_volatile(1) }
        }
        "overflow" => return deepen(1),
        "abort" => std::process::abort(),
        code => std::process::exit(code.parse().expect("a code")),
    }
    unreachable!("it outlived {how}")
}

/// Takes more of the stack with each call.
fn deepen(depth: u64) -> u64 {
    let below = std::hint::black_box([depth; 64]);
    if depth == 0 { 0 } else { deepen(depth + 1) + below[63] }
}

/// Becomes another program, which goes on for long.
#[carom::task]
fn become_another() {
    let error = std::process::Command::new("sleep").arg("1000").exec();
    panic!("{error}");
}

#[carom::test]
fn a_worker_that_closes_its_connection_is_ended_and_the_call_says_so() {
    let _watchdog = watchdog();
    let pool = pool_of(1);
    let before = pool.worker_pids();
    let error = pool.apply(become_another, ()).expect_err("there is no way back");
    assert!(error.worker_lost().is_none(), "it did not end by itself");
    let expected = "it closed its connection to the pool, and was ended for that";
    assert!(error.to_string().ends_with(expected), "{error}");
    replaced(&pool, &before);
    assert_eq!(pool.apply(square, 3).expect("a square"), 9);
}

/// Waits until no worker is one of these, and all places are taken.
#[track_caller]
pub(crate) fn replaced(pool: &Pool, gone: &[u32]) {
    eventually("the workers are replaced", || {
        let pids = pool.worker_pids();
        pids.len() == pool.processes() && !pids.iter().any(|pid| gone.contains(pid))
    });
}

/// Has each worker run a call at once; then all of them are ready.
#[track_caller]
pub(crate) fn all_stand(pool: &Pool) {
    let mut stage = Stage::new();
    let standing: Vec<_> = (0..pool.processes()).map(|_| pool.apply_async(stand, stage.part())).collect();
    let mut pids: Vec<u32> = standing.iter().map(|_| stage.next()).collect();
    stage.open();
    let mut workers: Vec<u32> = standing.into_iter().map(|result| result.get().expect("a pid")).collect();
    pids.sort_unstable();
    workers.sort_unstable();
    assert_eq!(pids, workers);
    workers.dedup();
    assert_eq!(workers.len(), pool.processes(), "each has a call");
}

#[carom::test]
fn a_worker_that_dies_costs_the_call_that_it_ran_and_is_replaced() {
    let _watchdog = watchdog();
    let pool = pool_of(2);
    let ways = [
        ("kill", None, Some(libc::SIGKILL)),
        ("segfault", None, Some(libc::SIGSEGV)),
        ("abort", None, Some(libc::SIGABRT)),
        ("0", Some(0), None),
        ("9", Some(9), None),
    ];
    for (how, code, by_signal) in ways {
        let before = pool.worker_pids();
        let mut stage = Stage::new();
        let standing = pool.apply_async(stand, stage.part());
        let other = stage.next();
        let numbers = || (0..50).map(|x| pool.apply_async(square, x)).collect::<Vec<_>>();
        let (earlier, dead, later) = (numbers(), pool.apply_async(die, how.to_owned()), numbers());
        let error = dead.get().expect_err("it died");
        let status = error.worker_lost().unwrap_or_else(|| panic!("{error}")).status();
        assert_eq!((status.code(), status.signal()), (code, by_signal));
        let dead = before.iter().find(|pid| **pid != other).expect("two");
        let text = format!("the worker that ran task `pool::losses::die` (pid {dead}) ended: {status} after ");
        assert!(error.to_string().starts_with(&text), "{error}");
        assert!(error.panic().is_none() && !error.is_codec() && !error.is_terminated() && !error.is_closed());
        for (x, result) in (0..50).chain(0..50).zip(earlier.into_iter().chain(later)) {
            assert_eq!(result.get().expect("another call"), x * x);
        }
        replaced(&pool, &[*dead]);
        stage.open();
        assert_eq!(standing.get().expect("the other worker"), other);
        assert!(pool.worker_pids().contains(&other));
    }
}

#[carom::task]
fn spare(x: u64) -> u64 {
    if x == 25 {
        std::process::exit(3);
    }
    x
}

#[carom::test]
fn a_worker_that_dies_in_a_chunk_costs_one_call() {
    let _watchdog = watchdog();
    let pool = pool_of(2);
    let lost = [25];
    for size in [1, 10, 25, 26, 1000] {
        let results: Vec<_> = pool.job(spare).chunk_size(size).imap(0..100).collect();
        assert_eq!(results.len(), 100);
        for (x, result) in (0..).zip(results) {
            match result {
                Ok(same) => assert!(same == x && !lost.contains(&x), "{x}"),
                Err(error) => {
                    assert!(lost.contains(&x), "{x}: {error}");
                    assert_eq!(error.worker_lost().expect("lost").status().code(), Some(3));
                }
            }
        }
        let error = pool.job(spare).chunk_size(size).map(0..100).expect_err("one died");
        assert_eq!(error.worker_lost().expect("lost").status().code(), Some(3));
    }
}

/// Writes down its number, and ends its worker if it is the one that is to do so.
#[carom::task]
fn note_or_exit(journal: PathBuf, number: u32, exits: u32) -> u32 {
    note(journal, number);
    if number == exits {
        std::process::exit(3);
    }
    number
}

#[carom::test]
fn wherever_in_a_map_a_worker_dies_that_call_is_lost_and_each_is_made_once() {
    let _watchdog = watchdog_after(3 * LONG);
    let pool = pool_of(2);
    let sizes = [1, 1, 1, 7, 100].into_iter().cycle();
    for (exits, size) in (0..200).chain([80; 100]).zip(sizes) {
        let journal = Journal::new();
        let inputs = (0..100).map(|number| (journal.path(), number, exits % 100));
        let results: Vec<_> = pool.job(note_or_exit).chunk_size(size).imap(inputs).collect();
        assert_eq!(results.len(), 100);
        for (number, result) in (0..).zip(results) {
            match result {
                Ok(same) => assert!(same == number && number != exits % 100),
                Err(error) => {
                    assert_eq!(number, exits % 100, "{error}");
                    assert_eq!(error.worker_lost().expect("lost").status().code(), Some(3));
                }
            }
        }
        let mut lines: Vec<u32> = journal.lines().iter().map(|line| line.parse().expect("a number")).collect();
        lines.sort_unstable();
        assert_eq!(lines, (0..100).collect::<Vec<_>>());
        // none of them is left waiting for an answer
        all_stand(&pool);
    }
}

#[carom::task]
fn leave_a_fork_behind() -> u32 {
    // SAFETY: the child makes one call that is safe after a fork.
    match unsafe { libc::fork() } {
        // SAFETY: takes nothing.
        0 => loop {
            unsafe { libc::pause() };
        },
        fork => fork.unsigned_abs(),
    }
}

#[carom::test]
fn a_fork_that_holds_a_dead_workers_socket_holds_nothing_up() {
    let _watchdog = watchdog();
    let pool = pool_of(1);
    let fork = pool.apply(leave_a_fork_behind, ()).expect("a pid");
    let worker = pool.apply(whoami, ()).expect("a pid");
    let mut stage = Stage::new();
    let standing = pool.apply_async(stand, stage.part());
    assert_eq!(stage.next(), worker);
    signal(worker, libc::SIGKILL);
    assert!(standing.get().expect_err("killed").worker_lost().is_some());
    assert_ne!(pool.apply(whoami, ()).expect("a pid"), worker);
    let fork_again = pool.apply(leave_a_fork_behind, ()).expect("a pid");
    pool.join();
    for fork in [fork, fork_again] {
        signal(fork, libc::SIGKILL);
    }
}
