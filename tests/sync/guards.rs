//! The guards that a condition waits with: those of locks, of locks that were taken several times, of values and arrays.
use std::time::Duration;

use carom::{Array, Condition, Lock, OwnerDied, Process, RLock, TryLockError, Value};

use crate::common::{eventually, watchdog};
use crate::stage::{joined, killed, until_waiting};

/// Changes what another one waits for, which has released the lock to that end.
#[carom::task]
fn change_all(lock: Lock, value: Value<u64>, array: Array<u64>, changed: Condition) {
    for turn in 1..=3 {
        until_waiting(&changed, 1);
        let guard = lock.try_lock().expect("free");
        *value.try_lock().expect("free") = turn;
        array.try_lock().expect("free")[1] = turn;
        drop(guard);
        changed.notify(1);
    }
}

#[carom::test]
fn the_lock_is_free_while_one_waits_and_held_again_after() -> carom::Result<()> {
    let _watchdog = watchdog();
    let (lock, value, array) = (Lock::new()?, Value::new(0)?, Array::new(&[0, 0])?);
    let changed = Condition::new()?;
    let input = (lock.clone(), value.clone(), array.clone(), changed.clone());
    let process = Process::spawn(change_all, input)?;
    let own = Some(std::process::id());
    let guard = changed.wait(lock.lock()?)?;
    assert_eq!(lock.owner(), own);
    drop(guard);
    let guard = changed.wait(value.lock()?)?;
    assert_eq!((*guard, value.as_lock().owner()), (2, own));
    drop(guard);
    let mut guard = changed.wait(array.lock()?)?;
    assert_eq!((guard[1], array.as_lock().owner()), (3, own));
    guard[0] = 9;
    drop(guard);
    joined(&process);
    assert_eq!(array.to_vec()?, [9, 3]);
    Ok(())
}

#[carom::test]
fn a_value_and_a_condition_share_a_lock() -> carom::Result<()> {
    let _watchdog = watchdog();
    let (lock, changed) = (Lock::new()?, Condition::new()?);
    let value = Value::with_lock(5_u64, &lock)?;
    let mut guard = lock.lock()?;
    *value.borrow_mut(&mut guard) += 1;
    let (guard, notified) = changed.wait_timeout(guard, Duration::ZERO)?;
    assert_eq!((*value.borrow(&guard), notified), (6, false));
    Ok(())
}

/// Takes the lock, which its waiting holder has released wholly, and notifies it.
#[carom::task]
fn take_and_notify(lock: RLock, changed: Condition) {
    until_waiting(&changed, 1);
    let guards = [lock.try_lock().expect("free"), lock.try_lock().expect("again")];
    changed.notify(1);
    drop(guards);
}

fn is_free(lock: &RLock) -> bool {
    std::thread::scope(|scope| scope.spawn(|| lock.try_lock().is_ok()).join().expect("no panic"))
}

#[carom::test]
fn a_lock_that_was_taken_three_times_is_released_wholly_and_taken_three_times_again() -> carom::Result<()> {
    let _watchdog = watchdog();
    let (lock, changed) = (RLock::new()?, Condition::new()?);
    for in_time in [Duration::MAX, Duration::ZERO] {
        let guards = [lock.lock()?, lock.lock()?];
        let guard = lock.lock()?;
        let guard = if in_time.is_zero() {
            let (guard, notified) = changed.wait_timeout(guard, in_time)?;
            assert!(!notified);
            guard
        } else {
            let process = Process::spawn(take_and_notify, (lock.clone(), changed.clone()))?;
            let guard = changed.wait(guard)?;
            joined(&process);
            guard
        };
        assert!(!is_free(&lock));
        drop(guard);
        for guard in guards {
            assert!(!is_free(&lock));
            drop(guard);
        }
        assert!(is_free(&lock));
    }
    Ok(())
}

/// Notifies one who waits, and never releases the lock.
#[carom::task]
fn notify_and_stay(value: Value<u64>, changed: Condition) {
    let mut guard = value.lock().expect("nobody died");
    *guard += 1;
    changed.notify(1);
    loop {
        std::thread::park();
    }
}

#[carom::test]
fn who_waited_is_told_that_the_holder_died_and_holds_the_lock() -> carom::Result<()> {
    let _watchdog = watchdog();
    let (value, changed) = (Value::new(0)?, Condition::new()?);
    std::thread::scope(|scope| -> carom::Result<()> {
        let waiter = scope.spawn(|| {
            let died = changed.wait(value.lock().expect("whole")).expect_err("it died");
            assert!(matches!(value.try_lock(), Err(TryLockError::WouldBlock)));
            let pid = died.pid();
            let guard = died.into_guard();
            assert_eq!(*guard, 1);
            pid
        });
        until_waiting(&changed, 1);
        let process = Process::spawn(notify_and_stay, (value.clone(), changed.clone()))?;
        until_waiting(&changed, 0);
        let pid = killed(&process);
        assert_eq!(waiter.join().expect("no panic"), Some(pid));
        Ok(())
    })?;
    assert_eq!((value.get()?, changed.waiting()), (1, vec![]));
    Ok(())
}

#[carom::task]
fn take_and_stay(value: Value<u64>, changed: Condition) {
    until_waiting(&changed, 1);
    let mut guard = value.lock().expect("nobody died");
    *guard += 1;
    loop {
        std::thread::park();
    }
}

#[carom::test]
fn who_waited_in_vain_is_told_too() -> carom::Result<()> {
    let _watchdog = watchdog();
    let (value, changed) = (Value::new(0)?, Condition::new()?);
    let process = Process::spawn(take_and_stay, (value.clone(), changed.clone()))?;
    std::thread::scope(|scope| -> carom::Result<()> {
        let waiter = scope.spawn(|| {
            let mut guard = value.lock().expect("whole");
            loop {
                match changed.wait_timeout(guard, Duration::from_millis(50)) {
                    Ok((again, notified)) => {
                        assert!(!notified);
                        guard = again;
                    }
                    Err(died) => return (died.pid(), *died.into_guard()),
                }
            }
        });
        eventually("it holds the lock", || value.as_lock().owner() == Some(process.pid()));
        until_waiting(&changed, 0);
        let pid = killed(&process);
        assert_eq!(waiter.join().expect("no panic"), (Some(pid), 1));
        Ok(())
    })?;
    assert_eq!((value.get()?, changed.waiting()), (1, vec![]));
    Ok(())
}

#[carom::task]
fn take_twice_and_die(lock: RLock, changed: Condition) {
    until_waiting(&changed, 1);
    let _guards = [lock.lock().expect("whole"), lock.lock().expect("whole")];
    changed.notify(1);
    std::process::abort();
}

#[carom::test]
fn a_lock_that_comes_from_the_dead_is_taken_as_often_as_before() -> carom::Result<()> {
    let _watchdog = watchdog();
    let (lock, changed) = (RLock::new()?, Condition::new()?);
    let [outer, inner] = [lock.lock()?, lock.lock()?];
    let process = Process::spawn(take_twice_and_die, (lock.clone(), changed.clone()))?;
    let died = changed.wait(inner).expect_err("it died");
    assert_eq!((died.pid(), lock.owner()), (Some(process.pid()), Some(std::process::id())));
    drop(died.into_guard());
    assert!(!is_free(&lock));
    drop(outer);
    assert!(is_free(&lock));
    drop(lock.lock()?);
    let _ = process.join()?;
    Ok(())
}

#[test]
fn a_panic_while_one_waits_is_told_after() -> carom::Result<()> {
    let _watchdog = watchdog();
    let (value, changed) = (Value::new(0)?, Condition::new()?);
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| changed.wait(value.lock().expect("whole")).map(drop).map_err(OwnerDied::release));
        until_waiting(&changed, 1);
        let panics = scope.spawn(|| {
            let _guard = value.lock().expect("whole");
            changed.notify_all();
            std::panic::resume_unwind(Box::new("on purpose"));
        });
        panics.join().expect_err("it panics");
        assert!(waiter.join().expect("no panic").expect_err("told").panicked());
    });
    drop(value.lock().expect_err("still").into_guard());
    Ok(())
}
