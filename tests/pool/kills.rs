//! Workers that are killed from outside, at any moment.
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use carom::TaskError;

use crate::common::{LONG, watchdog, watchdog_after};
use crate::losses::{all_stand, replaced};
use crate::stage::{Journal, Stage, note, pool_of, signal, square, stop, write_down};

#[carom::test]
fn idle_workers_that_are_killed_are_replaced_and_nothing_is_lost() {
    let _watchdog = watchdog();
    let pool = pool_of(3);
    for round in 0..10 {
        let before = pool.worker_pids();
        let killed = &before[..=round % 3];
        killed.iter().for_each(|pid| signal(*pid, libc::SIGKILL));
        replaced(&pool, killed);
        all_stand(&pool);
        assert!(before.iter().filter(|pid| !killed.contains(pid)).all(|pid| pool.worker_pids().contains(pid)));
        assert_eq!(pool.map(square, 0..20).expect("squares").len(), 20);
    }
}

#[carom::test]
fn a_call_that_comes_just_after_its_worker_was_killed_is_done_or_lost() {
    let _watchdog = watchdog();
    let (pool, journal) = (pool_of(1), Journal::new());
    for number in 0..50 {
        let before = pool.worker_pids();
        signal(before[0], libc::SIGKILL);
        let done = pool.apply(note, (journal.path(), number));
        let times = journal.lines().iter().filter(|line| **line == number.to_string()).count();
        match done {
            Ok(same) => assert_eq!((same, times), (number, 1)),
            Err(error) => {
                assert_eq!(error.worker_lost().expect("lost").status().signal(), Some(libc::SIGKILL));
                assert_eq!(times, 0);
            }
        }
        replaced(&pool, &before);
    }
}

/// Writes down its number and its pid, and then takes a moment.
#[carom::task]
fn work(journal: PathBuf, number: u32) -> u32 {
    write_down(&journal, format_args!("{number} {}", std::process::id()));
    for i in 0..20_000 {
        std::hint::black_box(i);
    }
    number
}

/// Kills the worker of the last line, again and again, until told to stop.
fn kill_workers(journal: &Journal, kills: usize, stopped: &dyn Fn() -> bool) -> usize {
    let mut killed = 0;
    let mut last = None;
    while killed < kills && !stopped() {
        let Some(pid) = journal.lines().pop().and_then(|line| line.split(' ').nth(1)?.parse::<u32>().ok()) else {
            continue;
        };
        if last == Some(pid) {
            continue;
        }
        // by a handle, so that no other process is hit if it has ended
        if let Some(worker) = carom::active_children().into_iter().find(|child| child.pid() == pid) {
            worker.kill().expect("kill");
            // until then it may take a call that comes after this test
            let _ = worker.join();
            killed += 1;
        }
        last = Some(pid);
    }
    killed
}

/// Each has its result or was lost, and none was made twice.
fn account_for(results: Vec<(u32, Result<u32, TaskError>)>, journal: &Journal, kills: usize) {
    let lines = journal.lines();
    let distinct: std::collections::BTreeSet<_> = lines.iter().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(distinct.len(), lines.len(), "one was made twice");
    let mut lost = 0;
    for (number, result) in results {
        let times = lines.iter().filter(|line| line.starts_with(&format!("{number} "))).count();
        match result {
            Ok(same) => assert_eq!((same, times), (number, 1)),
            Err(error) => {
                lost += 1;
                assert_eq!(
                    error.worker_lost().expect("lost").status().signal(),
                    Some(libc::SIGKILL),
                    "{number}: {error}"
                );
            }
        }
    }
    assert!(lost <= kills, "{lost} were lost by {kills} kills");
}

#[carom::test]
fn workers_that_are_killed_again_and_again_cost_one_call_each() {
    let _watchdog = watchdog_after(3 * LONG);
    for ordered in [true, false] {
        let (pool, journal) = (pool_of(3), Journal::new());
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let killer = scope.spawn(|| kill_workers(&journal, 60, &|| done.load(Ordering::Relaxed)));
            let inputs = (0..300).map(|number| (journal.path(), number));
            let results: Vec<_> = match ordered {
                true => (0..).zip(pool.imap(work, inputs)).collect(),
                false => {
                    let results = pool.imap_unordered(work, inputs).collect::<Vec<_>>();
                    assert_eq!(results.len(), 300);
                    results.into_iter().filter_map(|result| result.ok().map(|number| (number, Ok(number)))).collect()
                }
            };
            assert!(!ordered || results.len() == 300);
            done.store(true, Ordering::Relaxed);
            account_for(results, &journal, killer.join().expect("killer"));
        });
        assert_eq!(pool.map(square, 0..20).expect("squares").len(), 20);
        // the last may not be back yet
        replaced(&pool, &[]);
    }
}

#[carom::task]
fn sum(journal: PathBuf, numbers: Vec<u64>) -> u64 {
    write_down(&journal, numbers.len());
    numbers.iter().sum()
}

#[carom::test]
fn a_worker_killed_while_it_receives_a_huge_argument_has_not_begun() {
    let _watchdog = watchdog();
    let (pool, journal) = (pool_of(1), Journal::new());
    let mut rounds = 0;
    for microseconds in (0..20_000).step_by(2000) {
        let before = pool.worker_pids();
        // it takes in nothing more, and no socket has room for all of it
        stop(before[0]);
        let result = pool.apply_async(sum, (journal.path(), vec![1; 2_000_000]));
        let start = std::time::Instant::now();
        while start.elapsed().as_micros() < microseconds {
            std::thread::yield_now();
        }
        signal(before[0], libc::SIGKILL);
        assert_eq!(result.get().expect("the next worker does it"), 2_000_000);
        rounds += 1;
        assert_eq!(journal.lines().len(), rounds);
        assert!(!pool.worker_pids().contains(&before[0]));
    }
}

/// Tells its pid, and then sends much.
#[carom::task]
fn much(told: carom::Fd<std::io::PipeWriter>, count: usize) -> Vec<u64> {
    let all = vec![3; count];
    std::io::Write::write_all(&mut &*told, &std::process::id().to_le_bytes()).expect("tell");
    all
}

#[carom::test]
fn a_worker_killed_while_it_sends_a_huge_result_has_sent_it_or_is_lost() {
    let _watchdog = watchdog_after(2 * LONG);
    let pool = pool_of(2);
    for microseconds in (0..30_000_u128).step_by(1500) {
        let mut stage = Stage::new();
        let (told, _) = stage.part();
        let result = pool.apply_async(much, (told, 2_000_000));
        let worker = stage.next();
        let start = std::time::Instant::now();
        while start.elapsed().as_micros() < microseconds {
            std::hint::spin_loop();
        }
        signal(worker, libc::SIGKILL);
        match result.get() {
            Ok(all) => assert!(all == vec![3; 2_000_000]),
            Err(error) => assert_eq!(error.worker_lost().expect("lost").status().signal(), Some(libc::SIGKILL)),
        }
        replaced(&pool, &[worker]);
        assert_eq!(pool.map(square, 0..20).expect("squares").len(), 20);
    }
}
