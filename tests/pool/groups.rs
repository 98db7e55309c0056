//! Processes that tasks have started, when their worker ends.
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use carom::{MemoryPolicy, Pool};

use crate::common::{eventually, watchdog};
use crate::losses::{die, replaced};
use crate::stage::{Journal, pool_of, runs, signal, whoami, write_down};

/// Starts a program that runs for long, and leaves it.
#[carom::task]
fn start_sleep() -> u32 {
    let null = || (Stdio::null(), Stdio::null(), Stdio::null());
    let (stdin, stdout, stderr) = null();
    let mut command = Command::new("sleep");
    command.arg("1000").stdin(stdin).stdout(stdout).stderr(stderr).spawn().expect("sleep").id()
}

/// The same, and then ends as it is told, or hangs.
#[carom::task]
fn start_sleep_and(journal: PathBuf, then: String) -> u64 {
    write_down(&journal, start_sleep());
    match &*then {
        "hang" => loop {
            std::thread::park();
        },
        "grow" => {
            let memory = vec![1_u8; 300 << 20];
            loop {
                std::hint::black_box(&memory);
                std::thread::park();
            }
        }
        how => die(how.to_owned()),
    }
}

/// The last that has been started.
fn last(journal: &Journal) -> u32 {
    let mut pid = None;
    eventually("it has been started", || {
        pid = journal.lines().pop().and_then(|line| line.parse().ok());
        pid.is_some()
    });
    pid.expect("it is there")
}

#[carom::test]
fn what_a_task_has_started_ends_with_a_worker_that_dies() {
    let _watchdog = watchdog();
    let (pool, journal) = (pool_of(1), Journal::new());
    for (how, ..) in crate::deaths::WAYS {
        let error = pool.apply(start_sleep_and, (journal.path(), how.to_owned())).expect_err(how);
        assert!(error.worker_lost().is_some());
        let pid = last(&journal);
        eventually("the program is gone", || !runs(pid));
    }
    // also that which an earlier call has left, when its worker is killed idle
    let pid = pool.apply(start_sleep, ()).expect("a pid");
    let before = pool.worker_pids();
    signal(before[0], libc::SIGKILL);
    replaced(&pool, &before);
    eventually("the program is gone", || !runs(pid));
}

#[carom::test]
fn what_a_task_has_started_ends_when_its_limits_end_it() {
    let _watchdog = watchdog();
    let journal = Journal::new();
    let pool = pool_of(1);
    let job = pool.job(start_sleep_and).timeout(Duration::from_secs(2));
    let error = job.apply((journal.path(), "hang".to_owned())).expect_err("it hangs");
    assert_eq!(error.time_limit_exceeded(), Some(Duration::from_secs(2)));
    let of_time = last(&journal);
    let builder = Pool::builder().processes(1).max_memory_per_child(200 << 20).memory_policy(MemoryPolicy::Kill);
    let pool = builder.build().expect("a pool");
    let error = pool.apply(start_sleep_and, (journal.path(), "grow".to_owned())).expect_err("it grows");
    assert!(error.memory_limit_exceeded().is_some(), "{error}");
    let of_memory = last(&journal);
    assert_ne!(of_time, of_memory);
    eventually("the programs are gone", || !runs(of_time) && !runs(of_memory));
}

#[carom::test]
fn what_a_task_has_started_ends_with_a_pool_that_is_terminated_or_dropped() {
    let _watchdog = watchdog();
    for (busy, drops) in [(true, true), (true, false), (false, true), (false, false)] {
        let (pool, journal) = (pool_of(2), Journal::new());
        let pid = match busy {
            true => {
                drop(pool.apply_async(start_sleep_and, (journal.path(), "hang".to_owned())));
                last(&journal)
            }
            false => pool.apply(start_sleep, ()).expect("a pid"),
        };
        assert!(runs(pid));
        if !drops {
            pool.terminate();
            pool.join();
        }
        drop(pool);
        eventually("the program is gone", || !runs(pid));
    }
}

#[carom::test]
fn what_a_task_has_started_goes_on_when_its_worker_ends_in_peace() {
    let _watchdog = watchdog();
    let recycled = Pool::builder().processes(1).max_tasks_per_child(1).build().expect("a pool");
    let first = recycled.apply(start_sleep, ()).expect("a pid");
    let before = recycled.apply(whoami, ()).expect("a pid");
    // its worker and the next one are gone
    eventually("it has ended", || !runs(before));
    recycled.join();
    let closed = pool_of(1);
    let second = closed.apply(start_sleep, ()).expect("a pid");
    closed.join();
    drop((recycled, closed));
    for pid in [first, second] {
        assert!(runs(pid));
        signal(pid, libc::SIGKILL);
    }
}

/// Makes a pool whose worker tells its pid, and then ends or hangs as it is told.
#[carom::task]
fn make_a_pool_and(journal: PathBuf, then: String) -> u64 {
    let pool = pool_of(1);
    write_down(&journal, pool.apply(whoami, ()).expect("a pid"));
    match &*then {
        "hang" => loop {
            std::thread::park();
        },
        how => die(how.to_owned()),
    }
}

#[carom::test]
fn the_workers_of_a_workers_pool_end_with_it() {
    let _watchdog = watchdog();
    let pool = pool_of(1);
    for how in ["kill", "segfault", "0", "hang"] {
        let journal = Journal::new();
        let job = pool.job(make_a_pool_and).timeout(Duration::from_secs(2));
        let error = job.apply((journal.path(), how.to_owned())).expect_err(how);
        assert_eq!(error.time_limit_exceeded().is_some(), how == "hang", "{error}");
        let worker: u32 = journal.lines()[0].parse().expect("a pid");
        eventually("the worker is gone", || !runs(worker));
    }
}
