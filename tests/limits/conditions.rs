//! Waits at a condition that the limit ends: no notification is lost, and the lock is taken again and marked.
use std::time::Duration;

use carom::{Condition, Lock, RLock, Value, task};

use crate::common::{eventually, watchdog};
use crate::stage::{pool_of, whoami};
use crate::things::accepted;

/// Whether it was notified.
#[carom::task(soft_timeout = "10ms")]
fn wait(changed: Condition, number: Value<u32>) -> bool {
    task::catch_soft_limit(|| drop(changed.wait(accepted(number.lock())))).is_ok()
}

#[carom::test]
fn a_notification_is_for_the_task_or_for_the_next_one_that_waits() {
    let _watchdog = watchdog();
    let pool = pool_of(1);
    let (changed, number) = (Condition::new().expect("memory"), Value::new(0).expect("memory"));
    // not the same one, so that it goes on when it is notified, and not because the task's lock is marked
    let lock = Lock::new().expect("memory");
    let mut next = crate::common::numbers(7);
    for _ in 0..100 {
        let task = pool.apply_async(wait, (changed.clone(), number.clone()));
        std::thread::scope(|scope| {
            let other = scope.spawn(|| drop(changed.wait(lock.lock().expect("whole")).expect("whole")));
            // it may come before the task, or after it
            eventually("it waits", || changed.waiting().contains(&std::process::id()));
            // about when the limit passes, before or after
            std::thread::sleep(Duration::from_micros(next(14_000)));
            changed.notify(1);
            let task_was_notified = task.get().expect("a result");
            if task_was_notified {
                changed.notify(1);
            }
            other.join().expect("no panic");
        });
        assert!(changed.waiting().is_empty());
    }
}

#[carom::task(soft_timeout = "10ms")]
fn wait_uncaught(changed: Condition, number: Value<u32>) -> bool {
    let guard = accepted(number.lock());
    changed.wait(guard).is_ok()
}

#[carom::test]
fn what_the_lock_protects_is_marked_and_the_lock_is_free() {
    let _watchdog = watchdog();
    let pool = pool_of(1);
    let worker = pool.apply(whoami, ()).expect("a pid");
    let (changed, number) = (Condition::new().expect("memory"), Value::new(0).expect("memory"));
    let error = pool.apply(wait_uncaught, (changed, number.clone())).expect_err("the limit");
    assert!(error.is_soft_timeout(), "{error}");
    let died = number.lock().expect_err("it is told");
    assert!(died.panicked() && died.pid() == Some(worker), "{died}");
    drop(died.into_guard());
    assert!(number.lock().is_ok());
}

#[carom::test]
fn the_lock_is_taken_again_however_long_that_takes() {
    let _watchdog = watchdog();
    let pool = pool_of(1);
    let (changed, number) = (Condition::new().expect("memory"), Value::new(0).expect("memory"));
    let task = pool.apply_async(wait, (changed.clone(), number.clone()));
    eventually("it waits, or is ended already", || !changed.waiting().is_empty() || task.ready());
    // if it is marked, the task has had it, and may be over
    if let Ok(guard) = number.lock() {
        eventually("it does not wait any more", || changed.waiting().is_empty());
        assert!(!task.wait(Duration::from_millis(20)), "it has not got the lock");
        drop(guard);
    }
    assert!(!task.get().expect("a result"), "nobody notified it");
}

/// Takes a lock twice and waits with it; whether it has it as before when it was notified, and how often it had to be ended.
#[carom::task(soft_timeout = "10ms")]
fn wait_with_an_rlock(changed: Condition, lock: RLock) -> Option<u32> {
    let _outer = accepted(lock.lock());
    let inner = accepted(lock.lock());
    task::catch_soft_limit(|| drop(changed.wait(inner))).expect_err("nobody notifies it");
    // its guards are gone but for one
    lock.owner()
}

#[carom::test]
fn an_rlock_is_held_as_often_as_there_are_guards() {
    let _watchdog = watchdog();
    let pool = pool_of(1);
    let worker = pool.apply(whoami, ()).expect("a pid");
    let (changed, lock) = (Condition::new().expect("memory"), RLock::new().expect("memory"));
    let owner = pool.apply(wait_with_an_rlock, (changed, lock.clone())).expect("a result");
    assert_eq!((owner, lock.owner()), (Some(worker), None));
    assert!(lock.lock().expect_err("it is told").panicked());
}

/// So many that there is no place at the condition for one more.
const MANY: u32 = 256;

#[carom::task]
fn fill(changed: Condition, lock: Lock) {
    std::thread::scope(|scope| {
        for _ in 0..MANY {
            scope.spawn(|| drop(changed.wait(accepted(lock.lock()))));
        }
    });
}

#[carom::task(soft_timeout = "10ms")]
fn wait_without_a_place(changed: Condition, lock: Lock) -> bool {
    // it wakes for no reason, again and again
    task::catch_soft_limit(|| drop(changed.wait_for(accepted(lock.lock()), |_| false))).is_err()
}

#[carom::test]
fn who_found_no_place_is_ended_too() {
    let _watchdog = watchdog();
    let (changed, lock) = (Condition::new().expect("memory"), Lock::new().expect("memory"));
    let process = carom::Process::spawn(fill, (changed.clone(), lock.clone())).expect("spawn");
    eventually("all wait", || changed.waiting().len() == MANY as usize);
    assert!(pool_of(1).apply(wait_without_a_place, (changed, lock.clone())).expect("a result"));
    // the others go on, because the lock is marked
    process.join().expect("join").exit_ok().expect("success");
    drop(accepted(lock.lock()));
}
