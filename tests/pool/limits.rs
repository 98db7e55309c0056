//! Hard time limits: whose they are, and whom they hit.
use std::path::PathBuf;
use std::time::{Duration, Instant};

use carom::{Pool, TaskError};

use crate::common::{LONG, eventually, watchdog, watchdog_after};
use crate::losses::{all_stand, replaced};
use crate::stage::{Journal, Stage, note, note_and_play, pool_of, runs, signal, square, stand, stop, write_down};

const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

#[carom::task]
fn hang() -> u64 {
    loop {
        std::thread::park();
    }
}

#[carom::task(timeout = "80ms")]
fn hang_for_80_ms() -> u64 {
    loop {
        std::thread::park();
    }
}

/// Writes a number down, and hangs if it is told to.
#[carom::task]
fn note_or_hang(journal: PathBuf, number: u32, hangs: bool) -> u32 {
    write_down(&journal, number);
    if hangs {
        hang();
    }
    number
}

#[track_caller]
pub(crate) fn is_overdue(error: &TaskError, limit: Duration) {
    assert_eq!(error.time_limit_exceeded(), Some(limit), "{error}");
    let text = format!("task `{}` took longer than {limit:?}, and its worker was killed", error.task());
    assert!(error.to_string().starts_with(&text), "{error}");
    // that is how it was told, and nothing else
    assert!(error.worker_lost().is_none() && error.panic().is_none() && error.memory_limit_exceeded().is_none());
    assert!(!error.is_timeout() && !error.is_terminated() && !error.is_closed() && !error.is_codec());
}

#[carom::test]
fn the_narrowest_of_the_limits_of_task_pool_and_call_holds() {
    let _watchdog = watchdog_after(2 * LONG);
    let limits = [None, Some(ms(40)), Some(ms(60)), Some(LONG * 60), Some(Duration::MAX)];
    for of_pool in limits {
        let mut builder = Pool::builder().processes(2);
        if let Some(limit) = of_pool {
            builder = builder.timeout(limit);
        }
        let pool = builder.build().expect("a pool");
        for of_call in limits {
            let narrowest = |of_task: Option<Duration>| [of_task, of_pool, of_call].into_iter().flatten().min();
            let mut job = pool.job(hang_for_80_ms);
            let mut free = pool.job(hang);
            if let Some(limit) = of_call {
                (job, free) = (job.timeout(limit), free.timeout(limit));
            }
            let start = Instant::now();
            let limit = narrowest(Some(ms(80))).expect("that of the task");
            is_overdue(&job.apply(()).expect_err("it hangs"), limit);
            assert!(start.elapsed() >= limit);
            if let Some(limit) = narrowest(None).filter(|limit| *limit < LONG) {
                is_overdue(&free.apply(()).expect_err("it hangs"), limit);
            }
        }
        all_stand_without_limits(&pool, of_pool);
    }
}

/// Where a pool's own limit would not end them.
fn all_stand_without_limits(pool: &Pool, limit: Option<Duration>) {
    if limit.is_none_or(|limit| limit > LONG) {
        all_stand(pool);
    }
}

#[carom::test]
fn a_call_that_takes_too_long_costs_itself_and_its_worker() {
    let _watchdog = watchdog();
    let (pool, journal) = (pool_of(2), Journal::new());
    for round in 0..5 {
        let mut stage = Stage::new();
        let standing = pool.apply_async(stand, stage.part());
        let other = stage.next();
        let worker = *pool.worker_pids().iter().find(|pid| **pid != other).expect("two");
        let overdue = pool.job(hang).timeout(ms(50)).apply_async(());
        let behind: Vec<_> = (0..30).map(|i| pool.apply_async(note, (journal.path(), round * 100 + i))).collect();
        is_overdue(&overdue.get().expect_err("it hangs"), ms(50));
        for (i, result) in (0..).zip(behind) {
            let number = round * 100 + i;
            assert_eq!((result.get().expect("not begun"), journal.times(number)), (number, 1));
        }
        replaced(&pool, &[worker]);
        eventually("it is gone", || !runs(worker));
        stage.open();
        assert_eq!(standing.get().expect("it has no limit"), other);
    }
    all_stand(&pool);
}

/// Of 60 calls some hang; how many are made at a time, and by which of three ways.
fn hang_in_a_map(hanging: &[u32], size: usize, way: u32) {
    let (pool, journal, limit) = (pool_of(2), Journal::new(), ms(1000));
    let inputs = (0..60).map(|number| (journal.path(), number, hanging.contains(&number)));
    let job = pool.job(note_or_hang).chunk_size(size).timeout(limit);
    let results: Vec<_> = match way {
        0 => job.imap(inputs).collect(),
        1 => job.imap_unordered(inputs).collect(),
        _ => {
            let error = job.map(inputs).expect_err("some hang");
            is_overdue(&error, limit);
            assert_eq!(error.index(), Some(hanging[0] as usize), "the first");
            Vec::new()
        }
    };
    assert!(results.len() == 60 || way == 2);
    let mut overdue = Vec::new();
    for result in results {
        match result {
            Ok(number) => assert!(!hanging.contains(&number)),
            Err(error) => {
                is_overdue(&error, limit);
                let index = error.index().expect("an index");
                assert!(error.to_string().ends_with(&format!(" (input {index})")), "{error}");
                overdue.push(index as u32);
            }
        }
    }
    overdue.sort_unstable();
    assert!(way == 2 || overdue == hanging, "{overdue:?} of {hanging:?}");
    assert!((0..60).all(|number| journal.times(number) == 1), "{:?}", journal.lines());
}

#[carom::test]
fn in_a_map_only_the_overdue_calls_fail_and_all_others_are_made_once() {
    let _watchdog = watchdog_after(2 * LONG);
    std::thread::scope(|scope| {
        for size in [1, 7, 60] {
            for way in 0..3 {
                scope.spawn(move || hang_in_a_map(&[0, 20, 21, 59], size, way));
            }
        }
    });
}

#[carom::task]
fn sleep_for(milliseconds: u64) -> u64 {
    std::thread::sleep(ms(milliseconds));
    milliseconds
}

#[carom::test]
fn a_limit_counts_from_when_the_call_begins() {
    let _watchdog = watchdog();
    // together they take longer, and so do those that wait behind others
    let (limit, calls) = (ms(2000), 30);
    std::thread::scope(|scope| {
        for size in [1, 30] {
            scope.spawn(move || {
                let pool = pool_of(1);
                let done = pool.job(sleep_for).timeout(limit).chunk_size(size).map(vec![100; calls]);
                assert_eq!(done.expect("none is overdue"), vec![100; calls]);
            });
        }
        scope.spawn(move || {
            let pool = Pool::builder().processes(1).timeout(limit).build().expect("a pool");
            let results: Vec<_> = (0..calls).map(|_| pool.apply_async(sleep_for, 100)).collect();
            assert!(results.into_iter().all(|result| result.get().is_ok()));
        });
        scope.spawn(move || {
            let pool = pool_of(1);
            let mut stage = Stage::new();
            let standing = pool.apply_async(stand, stage.part());
            let worker = stage.next();
            let queued = pool.job(square).timeout(ms(2000)).apply_async(3);
            assert!(!queued.wait(ms(2500)), "it is not overdue before it has begun");
            stage.open();
            assert_eq!(standing.get().expect("it has no limit"), worker);
            assert_eq!(queued.get().expect("in time"), 9);
        });
    });
}

#[carom::test]
fn a_limit_holds_though_nobody_waits_for_the_result() {
    let _watchdog = watchdog();
    let pool = pool_of(1);
    let before = pool.worker_pids();
    let overdue = pool.job(hang).timeout(ms(50)).apply_async(());
    replaced(&pool, &before);
    is_overdue(&overdue.get_timeout(Duration::ZERO).expect_err("it hung"), ms(50));
    let before = pool.worker_pids();
    drop(pool.job(hang).timeout(ms(50)).apply_async(()));
    replaced(&pool, &before);
    assert_eq!(pool.apply(square, 2).expect("a square"), 4);
    // and while the pool ends
    let overdue = pool.job(hang).timeout(ms(50)).apply_async(());
    let behind = pool.apply_async(square, 3);
    pool.join();
    is_overdue(&overdue.get().expect_err("it hung"), ms(50));
    assert_eq!(behind.get().expect("done before the end"), 9);
}

#[carom::test]
fn a_worker_that_dies_before_its_limit_is_lost_and_a_stopped_one_is_overdue() {
    let _watchdog = watchdog();
    let (pool, journal) = (pool_of(1), Journal::new());
    let mut stage = Stage::new();
    let standing = pool.job(stand).timeout(LONG).apply_async(stage.part());
    let worker = stage.next();
    signal(worker, libc::SIGKILL);
    assert_eq!(standing.get().expect_err("killed").worker_lost().expect("lost").pid(), worker);
    let mut stage = Stage::new();
    let job = pool.job(note_and_play).timeout(ms(2000));
    let standing = job.apply_async((journal.path(), 1, Some(stage.part())));
    stop(stage.next());
    is_overdue(&standing.get().expect_err("it stands"), ms(2000));
    all_stand(&pool);
}
