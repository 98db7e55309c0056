//! How much memory workers may take.
use std::time::Duration;

use carom::{MemoryPolicy, Pool, PoolBuilder, Process};

use crate::common::{LONG, eventually, stderr_of, watchdog, watchdog_after};
use crate::losses::replaced;
use crate::stage::{Stage, runs, signal, square, stand, whoami};

const MIB: u64 = 1 << 20;

/// Takes this much memory, keeps it if it is to, and tells its pid.
#[carom::task]
fn take(mebibytes: usize, keeps: bool) -> u32 {
    let memory = std::hint::black_box(vec![1_u8; mebibytes << 20]);
    if keeps {
        std::mem::forget(memory);
    }
    std::process::id()
}

/// Takes more and more, but not all that there is.
#[carom::task]
fn grow(most: usize) -> u64 {
    let mut memory = Vec::new();
    for _ in 0..most {
        memory.push(vec![1_u8; 1 << 20]);
        std::hint::black_box(&memory);
    }
    loop {
        std::thread::park();
    }
}

fn limited(processes: usize, mebibytes: u64) -> PoolBuilder {
    Pool::builder().processes(processes).max_memory_per_child(mebibytes * MIB)
}

#[carom::test]
fn a_worker_that_takes_too_much_finishes_its_call_and_is_replaced() {
    let _watchdog = watchdog();
    let pool = limited(1, 200).build().expect("a pool");
    for _ in 0..3 {
        let worker = pool.apply(take, (10, true)).expect("little");
        assert_eq!(pool.apply(take, (20, true)).expect("still little"), worker);
        assert_eq!(pool.apply(take, (210, true)).expect("much, and the result arrives"), worker);
        let next = pool.apply(whoami, ()).expect("another one makes it");
        assert_ne!(next, worker);
        eventually("it has ended", || !runs(worker));
        assert_eq!(pool.worker_pids(), [next]);
    }
}

#[carom::test]
fn memory_that_was_given_back_before_the_end_of_the_call_does_not_count() {
    let _watchdog = watchdog();
    let pool = limited(1, 200).build().expect("a pool");
    let worker = pool.apply(whoami, ()).expect("a pid");
    for _ in 0..5 {
        assert_eq!(pool.apply(take, (300, false)).expect("it is given back"), worker);
    }
    assert_eq!(pool.job(take).chunk_size(3).map([(250, false); 7]).expect("given back"), [worker; 7]);
    assert_eq!(pool.apply(whoami, ()).expect("a pid"), worker);
}

#[carom::test]
fn the_rest_of_a_chunk_goes_on_elsewhere_when_its_worker_has_taken_too_much() {
    let _watchdog = watchdog();
    let pool = limited(2, 200).build().expect("a pool");
    let inputs = (0..12).map(|i| (if i % 4 == 1 { 210 } else { 1 }, true));
    let pids: Vec<u32> = pool.job(take).chunk_size(12).map(inputs).expect("all are done");
    // the second, sixth and tenth are the last of their workers
    assert!([0, 2, 3, 4, 6, 7, 8, 10].iter().all(|i| pids[*i] == pids[i + 1]), "{pids:?}");
    assert!([1, 5, 9].iter().all(|i| pids[*i] != pids[i + 1]), "{pids:?}");
}

#[carom::test]
fn a_call_that_takes_too_much_is_ended_where_that_is_asked_for() {
    let _watchdog = watchdog_after(2 * LONG);
    let pool = limited(2, 150).memory_policy(MemoryPolicy::Kill).build().expect("a pool");
    for round in 0..3 {
        let mut stage = Stage::new();
        let standing = pool.apply_async(stand, stage.part());
        let other = stage.next();
        let hungry = *pool.worker_pids().iter().find(|pid| **pid != other).expect("two");
        let error = pool.apply(grow, 1000).expect_err("it takes too much");
        let (limit, resident) = error.memory_limit_exceeded().unwrap_or_else(|| panic!("{error}"));
        assert!(limit == 150 * MIB && resident > limit && resident < 2000 * MIB, "{resident}");
        let text = format!("took {resident} bytes of memory, more than {limit}, and was killed");
        assert_eq!(error.to_string(), format!("the worker that ran task `pool::memory::grow` {text}"));
        assert!(error.worker_lost().is_none() && error.time_limit_exceeded().is_none() && error.panic().is_none());
        replaced(&pool, &[hungry]);
        assert_eq!(pool.map(square, 0..50).expect("squares").len(), 50);
        stage.open();
        assert_eq!(standing.get().expect("nobody has killed it"), other, "round {round}");
    }
    // in a chunk, and with retries, which are not for this
    let pool = limited(1, 150).memory_policy(MemoryPolicy::Kill).build().expect("a pool");
    let results: Vec<_> = pool.job(take_or_grow).retries(5).chunk_size(10).imap(0..10).collect();
    for (number, result) in (0..).zip(results) {
        match result {
            Ok(same) => assert!(same == number && number != 4),
            Err(error) => assert!(number == 4 && error.memory_limit_exceeded().is_some(), "{error}"),
        }
    }
}

#[carom::task]
fn take_or_grow(number: u32) -> u32 {
    if number == 4 {
        grow(1000);
    }
    number
}

#[carom::test]
fn a_worker_that_keeps_too_much_after_its_call_is_replaced_under_either_policy() {
    let _watchdog = watchdog();
    for policy in [MemoryPolicy::Finish, MemoryPolicy::Kill] {
        let pool = limited(1, 150).memory_policy(policy).build().expect("a pool");
        // the worker may be looked at while it has all of it, if it takes its time
        let pid = match pool.apply(take, (160, true)) {
            Ok(pid) => pid,
            Err(error) => {
                assert!(policy == MemoryPolicy::Kill && error.memory_limit_exceeded().is_some(), "{error}");
                continue;
            }
        };
        replaced(&pool, &[pid]);
        assert_ne!(pool.apply(whoami, ()).expect("a pid"), pid);
    }
}

#[carom::test]
fn a_limit_of_memory_and_one_of_time_hold_side_by_side() {
    let _watchdog = watchdog();
    let limit = Duration::from_millis(500);
    let pool = limited(1, 150).memory_policy(MemoryPolicy::Kill).timeout(limit).build().expect("a pool");
    let error = pool.apply(grow, 1).expect_err("it stands");
    assert_eq!(error.time_limit_exceeded(), Some(limit), "{error}");
    let error = pool.job(grow).timeout(LONG).apply(1).expect_err("it stands");
    assert_eq!(error.time_limit_exceeded(), Some(limit), "{error}");
    let pool = limited(1, 150).memory_policy(MemoryPolicy::Kill).timeout(LONG).build().expect("a pool");
    assert!(pool.apply(grow, 1000).expect_err("it takes too much").memory_limit_exceeded().is_some());
}

/// Asks for so much, and tells whether it was given any.
#[carom::task]
fn ask(mebibytes: usize) -> bool {
    Vec::<u8>::new().try_reserve_exact(mebibytes << 20).is_ok()
}

#[carom::task]
fn demand(mebibytes: usize) -> usize {
    std::hint::black_box(Vec::<u8>::with_capacity(mebibytes << 20)).capacity()
}

/// In a process of its own, where a call stack does not take the place of what is written before it.
#[carom::task]
fn ask_for_too_much() {
    let builder = Pool::builder().processes(2).address_space(2 << 30).capture_stderr(true);
    let pool = builder.build().expect("a pool");
    assert!(pool.apply(ask, 500).expect("asked"));
    assert!(!pool.apply(ask, 3000).expect("asked, and refused"));
    for _ in 0..3 {
        let error = pool.apply(demand, 3000).expect_err("it aborts");
        let lost = error.worker_lost().unwrap_or_else(|| panic!("{error}"));
        assert_eq!(lost.status().signal(), Some(libc::SIGABRT));
        let stderr = lost.stderr().expect("captured");
        assert!(stderr.contains("memory allocation of 3145728000 bytes failed"), "{stderr}");
        assert!(!lost.is_likely_out_of_memory(), "the kernel has killed nobody");
        assert!(pool.apply(demand, 500).expect("that much there is") >= 500 << 20);
    }
    // those that take the place of others are limited as well
    let before = pool.worker_pids();
    before.iter().for_each(|pid| signal(*pid, libc::SIGKILL));
    replaced(&pool, &before);
    assert!(pool.job(ask).chunk_size(1).map([3000; 10]).expect("asked").iter().all(|given| !given));
}

#[carom::test]
fn where_addresses_are_limited_an_allocation_fails_and_ends_the_worker_at_most() {
    let _watchdog = watchdog();
    let (text, status) = stderr_of(Process::builder().env("RUST_BACKTRACE", "0"), ask_for_too_much, ());
    assert!(status.success(), "{text}");
}

#[carom::test]
fn workers_that_cannot_live_in_their_addresses_are_an_error_of_the_pool_or_of_its_calls() {
    let _watchdog = watchdog();
    // what a worker has taken before it is limited stays
    match Pool::builder().processes(2).address_space(1 << 20).build() {
        Err(error) => assert!(error.to_string().starts_with("a worker "), "{error}"),
        Ok(pool) => {
            let error = pool.apply(take, (100, false)).expect_err("there is no room for that");
            assert!(error.worker_lost().is_some() || error.to_string().starts_with("no worker"), "{error}");
            let _ = pool.map(square, 0..20);
        }
    }
}
