//! Workers that are ended at one moment or another: before they begin a call, while they start, while they reply.
use std::io::Write;
use std::time::Instant;

use carom::Fd;

use crate::common::{LONG, eventually, numbers, watchdog, watchdog_after};
use crate::deaths::TICK;
use crate::losses::{all_stand, replaced};
use crate::stage::{Journal, Stage, note, pool_of, signal, square, stand, stop};

#[carom::test]
fn whatever_signal_ends_a_standing_worker_the_calls_behind_it_are_made_once() {
    let _watchdog = watchdog();
    let (pool, journal) = (pool_of(1), Journal::new());
    // none that is ignored where this is run in the background, as SIGHUP under `nohup`
    let signals = [libc::SIGKILL, libc::SIGTERM, libc::SIGUSR1, libc::SIGQUIT, libc::SIGABRT];
    for (round, number) in (0..).zip(signals) {
        let mut stage = Stage::new();
        let standing = pool.apply_async(stand, stage.part());
        let worker = stage.next();
        let queued: Vec<_> = (0..30).map(|i| pool.apply_async(note, (journal.path(), round * 100 + i))).collect();
        signal(worker, number);
        let error = standing.get().expect_err("ended");
        let lost = error.worker_lost().expect("lost");
        assert_eq!((lost.pid(), lost.status().signal(), lost.attempts()), (worker, Some(number), 1));
        for (i, result) in (0..).zip(queued) {
            assert_eq!(result.get().expect("the next worker makes it"), round * 100 + i);
            assert_eq!(journal.times(round * 100 + i), 1);
        }
        assert!(!pool.worker_pids().contains(&worker));
    }
}

#[carom::test]
fn a_call_that_its_worker_had_not_begun_when_it_was_killed_is_made_by_another_one() {
    let _watchdog = watchdog();
    let (pool, journal) = (pool_of(1), Journal::new());
    for number in 0..20 {
        all_stand(&pool);
        let worker = pool.worker_pids()[0];
        // it begins nothing any more
        stop(worker);
        let result = pool.apply_async(note, (journal.path(), number));
        let chunk = pool.apply_async(square, 5);
        signal(worker, libc::SIGKILL);
        assert_eq!(result.get().expect("made by another"), number);
        assert_eq!((chunk.get().expect("made by another"), journal.times(number)), (25, 1));
    }
}

#[carom::test]
fn workers_that_are_killed_while_they_start_are_started_again() {
    let _watchdog = watchdog_after(2 * LONG);
    let pool = pool_of(2);
    let mut draw = numbers(1);
    for round in 0..20 {
        let mut known = pool.worker_pids();
        let mut stage = Stage::new();
        let standing = pool.apply_async(stand, stage.part());
        let other = stage.next();
        let victim = *known.iter().find(|pid| **pid != other).expect("two");
        signal(victim, libc::SIGKILL);
        for _ in 0..2 {
            let next = || pool.worker_pids().into_iter().find(|pid| !known.contains(pid));
            let mut replacement = None;
            eventually("there is another one", || {
                replacement = next();
                replacement.is_some()
            });
            let pid = replacement.expect("it is there");
            // it takes some milliseconds until it is ready
            let wait = u128::from(draw(3000));
            let start = Instant::now();
            while start.elapsed().as_micros() < wait {
                std::hint::spin_loop();
            }
            signal(pid, libc::SIGKILL);
            known.push(pid);
        }
        let results: Vec<_> = (0..20).map(|x| pool.apply_async(square, x)).collect();
        for (x, result) in (0..).zip(results) {
            // one of the new ones may have begun it
            match result.get() {
                Ok(y) => assert_eq!(y, x * x),
                Err(error) => assert!(known.contains(&error.worker_lost().expect("lost").pid()), "{error}"),
            }
        }
        stage.open();
        assert_eq!(standing.get().expect("nobody has killed it"), other, "round {round}");
        known.retain(|pid| *pid != other);
        replaced(&pool, &known);
        all_stand(&pool);
    }
}

/// Tells its pid when it is about to reply, with much.
#[carom::task]
fn long_text(told: Fd<std::io::PipeWriter>, number: u8) -> String {
    let text = char::from(b'a' + number).to_string().repeat(700 << 10);
    (&*told).write_all(&std::process::id().to_le_bytes()).expect("tell");
    text
}

#[carom::test]
fn a_worker_killed_while_it_replies_to_a_chunk_loses_one_call_at_most_and_no_reply() {
    let _watchdog = watchdog_after(3 * LONG);
    let pool = pool_of(2);
    let mut draw = numbers(2);
    for round in 0..30 {
        let mut stage = Stage::new();
        let inputs: Vec<_> = (0..12).map(|number| (stage.part().0, number)).collect();
        let (killed, results) = std::thread::scope(|scope| {
            let (at, wait) = (draw(12), u128::from(draw(2000)));
            let stage = &mut stage;
            let killer = scope.spawn(move || {
                let mut worker = 0;
                for _ in 0..=at {
                    worker = stage.next();
                }
                let start = Instant::now();
                while start.elapsed().as_micros() < wait {
                    std::hint::spin_loop();
                }
                signal(worker, libc::SIGKILL);
                worker
            });
            let results: Vec<_> = pool.job(long_text).chunk_size(12).imap(inputs).collect();
            (killer.join().expect("killer"), results)
        });
        assert_eq!(results.len(), 12);
        let mut lost = 0;
        for (number, result) in (0..).zip(results) {
            match result {
                Ok(text) => {
                    assert_eq!(text.len(), 700 << 10);
                    assert!(text.bytes().all(|byte| byte == b'a' + number), "round {round}");
                }
                Err(error) => {
                    assert_eq!(error.worker_lost().expect("lost").pid(), killed, "{error}");
                    lost += 1;
                }
            }
        }
        assert!(lost <= 1, "{lost} were lost in round {round}");
        replaced(&pool, &[killed]);
        all_stand(&pool);
    }
}

#[carom::task]
fn length(text: String) -> usize {
    text.len()
}

#[carom::test]
fn a_worker_killed_while_it_reads_a_long_input_has_not_run_the_call_for_longer_than_there_was_one() {
    let _watchdog = watchdog_after(2 * LONG);
    for milliseconds in (0..40).step_by(5) {
        // it is the first call of its worker
        let pool = pool_of(1);
        let worker = pool.worker_pids()[0];
        let start = Instant::now();
        let result = pool.apply_async(length, "x".repeat(50 << 20));
        let given = Instant::now();
        while given.elapsed().as_millis() < milliseconds {
            std::hint::spin_loop();
        }
        signal(worker, libc::SIGKILL);
        match result.get() {
            Ok(bytes) => assert_eq!(bytes, 50 << 20),
            Err(error) => {
                let lost = error.worker_lost().expect("lost");
                assert!(lost.run_time() <= start.elapsed() + TICK, "{error}");
            }
        }
    }
}
