//! The end of a pool: nothing is lost by `close`, nobody is left waiting by `terminate`, and nothing stays.
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use carom::{Pool, Process, active_children};

use crate::common::{descriptors, eventually, watchdog, zombies};
use crate::stage::{Journal, Stage, note, pool_of, signal, square, stand, stop, whoami};

#[carom::test]
fn a_closed_pool_finishes_what_it_was_given() {
    let _watchdog = watchdog();
    let (pool, journal) = (pool_of(2), Journal::new());
    let mut stage = Stage::new();
    let standing = [pool.apply_async(stand, stage.part()), pool.apply_async(stand, stage.part())];
    let results: Vec<_> = (0..300).map(|number| pool.apply_async(note, (journal.path(), number))).collect();
    let pids = [stage.next(), stage.next()];
    pool.close();
    pool.close();
    assert!(results.iter().all(|result| !result.ready()), "closing does not wait");
    stage.open();
    pool.join();
    assert!(standing.map(|result| result.get().expect("a pid")).iter().all(|pid| pids.contains(pid)));
    for (number, result) in (0..).zip(results) {
        assert!(result.ready());
        assert_eq!(result.get().expect("done"), number);
    }
    assert_eq!(journal.lines().len(), 300);
    assert_eq!(pool.worker_pids(), []);
    assert!(active_children().iter().all(|child| !pids.contains(&child.pid())));
    pool.join();
    pool.terminate();
}

#[carom::test]
fn a_worker_that_dies_after_close_is_replaced_while_there_is_something_to_do() {
    let _watchdog = watchdog();
    let (pool, journal) = (pool_of(1), Journal::new());
    let mut stage = Stage::new();
    let standing = pool.apply_async(stand, stage.part());
    let results: Vec<_> = (0..20).map(|number| pool.apply_async(note, (journal.path(), number))).collect();
    let worker = stage.next();
    pool.close();
    signal(worker, libc::SIGKILL);
    pool.join();
    assert!(standing.get().expect_err("killed").worker_lost().is_some());
    for (number, result) in (0..).zip(results) {
        assert_eq!(result.get_timeout(Duration::ZERO).expect("done"), number);
    }
}

#[carom::test]
fn join_can_be_called_by_several_threads() {
    let _watchdog = watchdog();
    let pool = pool_of(2);
    let mut stage = Stage::new();
    let standing = pool.apply_async(stand, stage.part());
    let worker = stage.next();
    let joined = AtomicBool::new(false);
    let all_here = Barrier::new(5);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                all_here.wait();
                pool.join();
                joined.store(true, Ordering::Relaxed);
                assert_eq!(pool.worker_pids(), []);
            });
        }
        all_here.wait();
        assert!(!standing.wait(Duration::from_millis(10)));
        assert!(!joined.load(Ordering::Relaxed), "one call is not done");
        stage.open();
    });
    assert_eq!(standing.get().expect("a pid"), worker);
}

#[carom::test]
fn termination_resolves_all_calls() {
    let _watchdog = watchdog();
    let (pool, journal) = (pool_of(2), Journal::new());
    let mut stage = Stage::new();
    let standing = [pool.apply_async(stand, stage.part()), pool.apply_async(stand, stage.part())];
    let _ = (stage.next(), stage.next());
    let queued: Vec<_> = (0..50).map(|number| pool.apply_async(note, (journal.path(), number))).collect();
    let (some_wait, joins) = (Barrier::new(4), AtomicBool::new(false));
    let inputs = || (0..100).map(|number| (journal.path(), number));
    std::thread::scope(|scope| {
        let map = scope.spawn(|| {
            some_wait.wait();
            pool.map(note, inputs())
        });
        let imap = scope.spawn(|| {
            some_wait.wait();
            pool.imap(note, inputs()).collect::<Vec<_>>()
        });
        let join = scope.spawn(|| {
            some_wait.wait();
            joins.store(true, Ordering::Relaxed);
            pool.join();
        });
        some_wait.wait();
        eventually("it joins", || joins.load(Ordering::Relaxed));
        pool.terminate();
        // those that came after the other thread had closed the pool were told so
        let is_ended = |error: &carom::TaskError| error.is_terminated() || error.is_closed();
        assert!(map.join().expect("thread").is_err_and(|error| is_ended(&error)));
        let results = imap.join().expect("thread");
        assert_eq!(results.len(), 100);
        assert!(results.into_iter().all(|result| result.is_err_and(|error| is_ended(&error))));
        join.join().expect("thread");
    });
    for result in standing {
        let error = result.get().expect_err("terminated");
        assert!(error.is_terminated() && error.worker_lost().is_none(), "{error}");
        assert!(error.to_string().ends_with("was not finished because its pool was terminated"), "{error}");
    }
    assert!(queued.into_iter().all(|result| result.get().is_err_and(|error| error.is_terminated())));
    assert!(journal.lines().is_empty());
    pool.terminate();
    assert_eq!(pool.worker_pids(), []);
}

#[carom::test]
fn a_stopped_worker_is_terminated_too() {
    let _watchdog = watchdog();
    for busy in [true, false] {
        let pool = pool_of(2);
        let mut stage = Stage::new();
        let standing = busy.then(|| pool.apply_async(stand, stage.part()));
        let worker = if busy { stage.next() } else { pool.worker_pids()[0] };
        stop(worker);
        pool.terminate();
        pool.join();
        assert!(standing.is_none_or(|result| result.get().is_err_and(|error| error.is_terminated())));
        assert!(active_children().iter().all(|child| child.pid() != worker));
    }
}

#[carom::test]
fn results_outlive_their_pool() {
    let _watchdog = watchdog();
    for _ in 0..20 {
        let pool = pool_of(2);
        let mut stage = Stage::new();
        let done = pool.apply_async(square, 3);
        assert!(done.wait(Duration::MAX));
        let waiting: Vec<_> = (0..8).map(|_| pool.apply_async(stand, stage.part())).collect();
        let _ = (stage.next(), stage.next());
        let all_here = Barrier::new(9);
        std::thread::scope(|scope| {
            for result in waiting {
                let all_here = &all_here;
                scope.spawn(move || {
                    all_here.wait();
                    assert!(result.get().is_err_and(|error| error.is_terminated()));
                });
            }
            all_here.wait();
            drop(pool);
        });
        assert_eq!(done.get().expect("it was there"), 9);
    }
}

/// What this process has open, apart from the directory that tells it.
fn open_files() -> Vec<String> {
    let all = descriptors("self").into_iter().map(|(_, what)| what);
    let mut all: Vec<String> = all.filter(|what| !what.starts_with("/proc/")).collect();
    all.sort();
    all
}

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").expect("/proc").count()
}

/// In a process of its own, where no other test has anything open.
#[carom::task]
fn use_pools_and_drop_them() {
    // what is opened once and kept
    drop(pool_of(1));
    let (before, threads_before) = (open_files(), threads());
    for round in 0..20 {
        let pool = pool_of(3);
        let workers = pool.worker_pids();
        let mut stage = Stage::new();
        let standing = pool.apply_async(stand, stage.part());
        let killed = stage.next();
        let others = [(); 20].map(|()| pool.apply_async(stand, stage.part()));
        match round % 4 {
            0 => {}
            1 => signal(killed, libc::SIGKILL),
            2 => pool.terminate(),
            _ => {
                drop(stage);
                stage = Stage::new();
                pool.join();
            }
        }
        drop(pool);
        drop((stage, standing, others));
        assert_eq!(open_files(), before, "round {round}");
        assert_eq!(zombies(), []);
        assert!(active_children().is_empty());
        for worker in workers {
            // SAFETY: takes integers.
            assert_eq!(unsafe { libc::kill(worker as i32, 0) }, -1, "{worker} is there");
        }
        // the kernel lists a thread for a moment after it has ended
        eventually("the threads are gone", || threads() == threads_before);
    }
}

#[carom::test]
fn a_dropped_pool_leaves_nothing_behind() {
    let _watchdog = watchdog();
    Process::spawn(use_pools_and_drop_them, ())
        .expect("spawn")
        .join()
        .expect("join")
        .exit_ok()
        .expect("nothing is left");
}

#[carom::test]
fn a_panic_of_its_owner_ends_a_pool() {
    let _watchdog = watchdog();
    let mut stage = Stage::new();
    let part = stage.part();
    let owner = std::thread::spawn(move || {
        let pool: Pool = pool_of(1);
        let result = pool.apply_async(stand, part);
        let _ = stage.next();
        // its pool is dropped while it unwinds
        std::panic::resume_unwind(Box::new((result, stage)));
    });
    let payload = owner.join().expect_err("it panics");
    let (result, _stage) = *payload.downcast::<(carom::AsyncResult<u32>, Stage)>().expect("what it threw");
    assert!(result.get().is_err_and(|error| error.is_terminated()));
}

#[carom::test]
fn workers_do_not_end_by_ctrl_c() {
    let _watchdog = watchdog();
    let pool = pool_of(1);
    let worker = pool.apply(whoami, ()).expect("a pid");
    // SAFETY: takes integers.
    let group = |pid: u32| unsafe { libc::getpgid(pid as i32) };
    assert_ne!(group(worker), group(std::process::id()), "it is not in the group that Ctrl-C is for");
    for _ in 0..10 {
        signal(worker, libc::SIGINT);
        assert_eq!(pool.apply(whoami, ()).expect("a pid"), worker);
    }
    let mut stage = Stage::new();
    let standing = pool.apply_async(stand, stage.part());
    assert_eq!(stage.next(), worker);
    signal(worker, libc::SIGINT);
    stage.open();
    assert_eq!(standing.get().expect("it goes on"), worker);
}
