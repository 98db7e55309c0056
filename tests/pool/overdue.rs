//! Calls that take about as long as they may, or that defend themselves.
use std::path::PathBuf;
use std::time::{Duration, Instant};

use carom::Pool;

use crate::common::{LONG, alone, numbers, watchdog, watchdog_after};
use crate::limits::is_overdue;
use crate::losses::all_stand;
use crate::stage::{Journal, Stage, pool_of, square, stand, write_down};

const fn us(microseconds: u64) -> Duration {
    Duration::from_micros(microseconds)
}

/// Writes a number down, and works for so many microseconds.
#[carom::task]
fn spin(journal: PathBuf, number: u32, microseconds: u64) -> u32 {
    let start = Instant::now();
    write_down(&journal, number);
    while start.elapsed() < us(microseconds) {
        std::hint::spin_loop();
    }
    number
}

#[carom::test]
fn a_call_that_takes_about_as_long_as_it_may_is_done_or_overdue_and_the_next_one_is_not_hit() {
    let _watchdog = watchdog_after(3 * LONG);
    let pool = pool_of(2);
    let mut draw = numbers(3);
    let limit = us(5000);
    let (mut done, mut overdue) = (0, 0);
    for _ in 0..10 {
        let journal = Journal::new();
        let narrow: Vec<_> = (0..60)
            .map(|number| {
                let takes = 4600 + draw(800);
                let one = pool.job(spin).timeout(limit).apply_async((journal.path(), 2 * number, takes));
                // these follow in the same worker at once, and may take as long as they do
                (one, pool.apply_async(spin, (journal.path(), 2 * number + 1, 0)))
            })
            .collect();
        for (number, (one, next)) in (0..).zip(narrow) {
            match one.get() {
                Ok(same) => {
                    assert_eq!(same, 2 * number);
                    done += 1;
                }
                Err(error) => {
                    is_overdue(&error, limit);
                    overdue += 1;
                }
            }
            assert_eq!(next.get().expect("it has no limit"), 2 * number + 1);
        }
        let lines = journal.lines();
        assert_eq!(lines.len(), lines.iter().collect::<std::collections::BTreeSet<_>>().len(), "each is begun once");
        assert!((0..60).all(|number| journal.times(2 * number + 1) == 1));
    }
    assert_eq!(done + overdue, 600);
    all_stand(&pool);
}

#[carom::test]
fn in_chunks_each_call_that_takes_about_as_long_as_it_may_has_one_outcome() {
    let _watchdog = watchdog_after(3 * LONG);
    let pool = pool_of(2);
    let mut draw = numbers(4);
    let limit = us(3000);
    for size in [5, 60] {
        for _ in 0..5 {
            let journal = Journal::new();
            let inputs: Vec<_> = (0..60).map(|number| (journal.path(), number, 2700 + draw(500))).collect();
            let results: Vec<_> = pool.job(spin).timeout(limit).chunk_size(size).imap(inputs).collect();
            assert_eq!(results.len(), 60);
            for (number, result) in (0..).zip(results) {
                match result {
                    Ok(same) => assert_eq!(same, number),
                    Err(error) => {
                        is_overdue(&error, limit);
                        assert_eq!(error.index(), Some(number as usize));
                    }
                }
                // one whose limit passes before it comes to write has been begun as well
                assert!(journal.times(number) <= 1);
            }
        }
    }
    all_stand(&pool);
}

/// Ignores and blocks what a process can, and works for ever.
#[carom::task]
fn defy(tells: carom::Fd<std::io::PipeWriter>) -> u32 {
    // SAFETY: zeros are a value of it, which is filled.
    let mut all: libc::sigset_t = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to one.
    unsafe { libc::sigfillset(&raw mut all) };
    for number in 1..=64 {
        // SAFETY: to ignore runs nothing; those that cannot be ignored are refused.
        unsafe { libc::signal(number, libc::SIG_IGN) };
    }
    // SAFETY: the pointers are to one, and to nothing.
    unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const all, std::ptr::null_mut()) };
    std::io::Write::write_all(&mut &*tells, &std::process::id().to_le_bytes()).expect("tell");
    let mut x = 1_u32;
    loop {
        x = std::hint::black_box(x.wrapping_mul(3));
    }
}

#[carom::test]
fn a_call_that_ignores_everything_is_ended() {
    let _watchdog = watchdog();
    let pool = pool_of(1);
    for _ in 0..2 {
        let mut stage = Stage::new();
        let limit = Duration::from_secs(2);
        let overdue = pool.job(defy).timeout(limit).apply_async(stage.part().0);
        let worker = stage.next();
        is_overdue(&overdue.get().expect_err("it goes on for ever"), limit);
        assert!(!pool.worker_pids().contains(&worker));
        assert_eq!(pool.apply(square, 4).expect("another one is there"), 16);
    }
}

#[carom::task]
fn hang() -> u64 {
    loop {
        std::thread::park();
    }
}

#[carom::test]
fn limits_may_be_very_short_or_very_long_or_nothing() {
    let _watchdog = watchdog_after(2 * LONG);
    let pool = pool_of(2);
    for limit in [Duration::from_millis(1), Duration::from_nanos(1), Duration::ZERO] {
        for _ in 0..10 {
            is_overdue(&pool.job(hang).timeout(limit).apply(()).expect_err("it hangs"), limit);
            match pool.job(square).timeout(limit).apply(3) {
                Ok(nine) => assert_eq!(nine, 9),
                Err(error) => is_overdue(&error, limit),
            }
        }
        for result in pool.job(square).timeout(limit).chunk_size(5).imap(0..40) {
            match result {
                Ok(_) => {}
                Err(error) => is_overdue(&error, limit),
            }
        }
        // it is not overdue before it has begun
        let mut stage = Stage::new();
        let standing = [pool.apply_async(stand, stage.part()), pool.apply_async(stand, stage.part())];
        let _ = (stage.next(), stage.next());
        let queued = pool.job(hang).timeout(limit).apply_async(());
        assert!(!queued.wait(Duration::from_millis(20)));
        stage.open();
        assert!(standing.into_iter().all(|result| result.get().is_ok()));
        is_overdue(&queued.get().expect_err("it hangs"), limit);
    }
    for limit in [Duration::MAX, Duration::from_secs(u64::MAX / 2_000_000_000), Duration::from_nanos(u64::MAX)] {
        assert_eq!(pool.job(square).timeout(limit).apply(3).expect("in time"), 9);
        assert_eq!(pool.job(square).timeout(limit).map(0..100).expect("in time").len(), 100);
        let pool = Pool::builder().processes(1).timeout(limit).build().expect("a pool");
        assert_eq!(pool.job(square).chunk_size(30).map(0..100).expect("in time").len(), 100);
    }
}

/// How long the pool's own threads have run.
fn time_of_reactors() -> Duration {
    let threads = std::fs::read_dir("/proc/self/task").expect("/proc").flatten().map(|thread| thread.path());
    let reactors = threads.filter(|thread| {
        std::fs::read_to_string(thread.join("comm")).is_ok_and(|name| name.trim_end() == "carom-pool")
    });
    let times = reactors.map(|thread| {
        let times = std::fs::read_to_string(thread.join("schedstat")).expect("/proc");
        Duration::from_nanos(times.split(' ').next().expect("a time").parse().expect("a number"))
    });
    times.sum()
}

/// In a process of its own, which has no other pool.
#[carom::task]
fn wait_behind_a_standing_call() {
    let pool = pool_of(1);
    let mut stage = Stage::new();
    let standing = pool.apply_async(stand, stage.part());
    stage.next();
    let queued = pool.job(hang).timeout(Duration::ZERO).apply_async(());
    let (start, before) = (Instant::now(), time_of_reactors());
    assert!(!queued.wait(Duration::from_millis(300)));
    let busy = time_of_reactors() - before;
    assert!(busy < start.elapsed() / 2, "it ran for {busy:?} of {:?}", start.elapsed());
    stage.open();
    standing.get().expect("a pid");
    is_overdue(&queued.get().expect_err("it hangs"), Duration::ZERO);
}

#[carom::test]
fn a_short_limit_of_a_call_that_waits_does_not_keep_its_pool_busy() {
    let _watchdog = watchdog();
    alone(wait_behind_a_standing_call, ());
}
