//! What processes and objects leave behind that come and go.
use carom::{Barrier, BoundedSemaphore, Condition, Event, Lock, Pool, Process, RLock, Semaphore};

use crate::common::{alone, descriptors, eventually, watchdog, zombies};
use crate::stage::killed;

type All = (Semaphore, BoundedSemaphore, Condition, Barrier, Event, RLock);

fn all() -> carom::Result<All> {
    let (permits, slots) = (Semaphore::new(2)?, BoundedSemaphore::new(2)?);
    Ok((permits, slots, Condition::new()?, Barrier::new(1)?, Event::new()?, RLock::new()?))
}

#[carom::task]
fn use_all(all: All, holds: bool) {
    let (permits, slots, changed, barrier, event, lock) = &all;
    let _held = (permits.acquire(), slots.acquire());
    let guard = lock.lock().expect("nobody died");
    let (_guard, notified) = changed.wait_timeout(guard, std::time::Duration::ZERO).expect("nobody died");
    assert!(!notified && barrier.wait() == Ok(0));
    event.set();
    if holds {
        loop {
            std::thread::park();
        }
    }
}

/// What this process has: descriptors, threads, and mappings of shared memory.
fn possessions() -> (Vec<(i32, String)>, usize, usize) {
    let threads = std::fs::read_dir("/proc/self/task").expect("/proc").count();
    let maps = std::fs::read_to_string("/proc/self/maps").expect("/proc");
    // the descriptor of the listing itself is among them each time
    (descriptors("self"), threads, maps.lines().filter(|line| line.contains("memfd:carom")).count())
}

#[carom::task]
fn come_and_go() {
    // what is there once for all
    let pool = Pool::builder().processes(1).build().expect("a pool");
    let kept = all().expect("memory");
    pool.apply(use_all, (kept.clone(), false)).expect("used");
    let before = possessions();
    for round in 0..100 {
        let many: Vec<_> = (0..20).map(|_| all().expect("memory")).collect();
        use_all(many[0].clone(), false);
        pool.apply(use_all, (many[1].clone(), false)).expect("used");
        if round % 10 == 0 {
            let process = Process::spawn(use_all, (many[2].clone(), true)).expect("spawn");
            many[2].4.wait();
            killed(&process);
            drop((many[2].0.acquire(), many[2].0.acquire(), many[2].1.acquire(), many[2].1.acquire()));
        }
    }
    eventually("all is as before", || possessions() == before);
    assert_eq!(zombies(), []);
    drop(kept);
}

#[carom::test]
fn objects_that_come_and_go_leave_nothing_open() {
    let _watchdog = watchdog();
    alone(come_and_go, ());
}

#[carom::task]
fn wait_with_many(lock: Lock, changed: Condition) {
    std::thread::scope(|scope| {
        for _ in 0..100 {
            scope.spawn(|| {
                let guard = lock.lock().expect("nobody died");
                drop(changed.wait_timeout(guard, std::time::Duration::from_millis(1)).expect("nobody died"));
            });
        }
    });
    assert_eq!(changed.waiting(), []);
}

#[carom::test]
fn those_who_wait_in_vain_leave_no_place_taken() -> carom::Result<()> {
    let _watchdog = watchdog();
    let (lock, changed) = (Lock::new()?, Condition::new()?);
    // more than there are places, one after the other
    for _ in 0..5 {
        wait_with_many(lock.clone(), changed.clone());
        Process::spawn(wait_with_many, (lock.clone(), changed.clone()))?.join()?.exit_ok()?;
    }
    assert_eq!(changed.waiting(), []);
    Ok(())
}
