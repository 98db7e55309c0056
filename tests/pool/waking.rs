//! Who is woken: what is done is told, what waits is begun, and a pool that has nothing to do ends, whoever sleeps meanwhile.
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::channel;
use std::thread;

use carom::Pool;

use crate::common::{eventually, own_tid, watchdog};
use crate::stage::{Journal, Stage, pool_of, signal, square, stand, stop, write_down};

/// Runs something in a thread, and waits until that sleeps.
fn begin<'scope, R: Send + 'scope>(
    scope: &'scope thread::Scope<'scope, '_>,
    run: impl FnOnce() -> R + Send + 'scope,
) -> thread::ScopedJoinHandle<'scope, R> {
    let (tell, told) = channel();
    let handle = scope.spawn(move || {
        tell.send(own_tid()).expect("somebody asks");
        run()
    });
    let call = format!("/proc/self/task/{}/syscall", told.recv().expect("its id"));
    let calls = [libc::SYS_futex, libc::SYS_read].map(|call| format!("{call} "));
    eventually("it sleeps", || {
        std::fs::read_to_string(&call).is_ok_and(|now| calls.iter().any(|call| now.starts_with(call)))
    });
    handle
}

#[carom::test]
fn join_ends_when_a_thread_that_waits_has_taken_the_last_outcome() {
    let _watchdog = watchdog();
    let pool = pool_of(2);
    let mut stage = Stage::new();
    let part = stage.part();
    thread::scope(|scope| {
        let caller = begin(scope, || pool.apply(stand, part));
        let worker = stage.next();
        let joins = begin(scope, || pool.join());
        stage.open();
        assert_eq!(caller.join().expect("no panic").expect("a pid"), worker);
        joins.join().expect("no panic");
    });
}

/// One worker that stands still, and has been given so many calls that were taken back.
fn pool_with_calls_taken_back(calls: usize, len: usize) -> (Pool, u32) {
    let pool = pool_of(1);
    let worker = pool.worker_pids()[0];
    stop(worker);
    let inputs = (0..=calls).map(|i| if i < calls { "a".repeat(len) } else { resume_unwind(Box::new(())) });
    let map = || pool.job(length).chunk_size(1).map(inputs).map(drop);
    assert!(catch_unwind(AssertUnwindSafe(map)).is_err());
    (pool, worker)
}

#[carom::task]
fn length(text: String) -> usize {
    text.len()
}

#[carom::test]
fn calls_that_were_taken_back_keep_no_place() {
    let _watchdog = watchdog();
    let (pool, worker) = pool_with_calls_taken_back(200, 1);
    thread::scope(|scope| {
        let caller = begin(scope, || pool.apply(square, 3));
        signal(worker, libc::SIGCONT);
        assert_eq!(caller.join().expect("no panic").expect("a square"), 9);
    });
}

#[carom::test]
fn calls_that_were_taken_back_keep_no_memory() {
    let _watchdog = watchdog();
    let (pool, worker) = pool_with_calls_taken_back(3, 1_900_000);
    thread::scope(|scope| {
        let caller = begin(scope, || pool.apply(length, "a".repeat(1_900_000)));
        signal(worker, libc::SIGCONT);
        assert_eq!(caller.join().expect("no panic").expect("a length"), 1_900_000);
    });
}

/// Waits until there is a line in a journal; no descriptors come with it, for which the pool would be rung for.
#[carom::task]
fn wait_for_a_line(journal: std::path::PathBuf, waits: bool) {
    eventually("a line", || !waits || std::fs::read_to_string(&journal).is_ok_and(|text| text.contains('\n')));
}

/// The worker's next call waits for who was told of this one.
#[carom::test]
fn an_outcome_is_not_kept_until_there_are_many_for_another_caller() {
    let _watchdog = watchdog();
    let (pool, journal) = (pool_of(1), Journal::new());
    let mut stage = Stage::new();
    let result = pool.apply_async(stand, stage.part());
    let worker = stage.next();
    thread::scope(|scope| {
        let inputs: Vec<_> = (0..9).map(|i| (journal.path(), i == 0)).collect();
        let map = begin(scope, || pool.job(wait_for_a_line).chunk_size(1).map(inputs));
        let caller = begin(scope, move || result.get());
        stage.open();
        assert_eq!(caller.join().expect("no panic").expect("a pid"), worker);
        write_down(&journal.path(), "told");
        map.join().expect("no panic").expect("all");
    });
}
