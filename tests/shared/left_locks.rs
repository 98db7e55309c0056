//! Those who wait at a condition of which the lock is left by its last holder, when nobody else is there to take it.

use carom::{Array, Condition, Lock, OwnerDied, Process, RLock, Relock, RemoteError, Value};

use crate::common::{eventually, watchdog};

#[carom::task]
fn wait(number: Value<u32>, changed: Condition, end: End) -> Result<(), RemoteError> {
    let number = changed.wait(number.lock()?)?;
    match end {
        End::Killed => std::process::abort(),
        End::Panicked => panic!("on purpose, with {number:?}"),
    }
}

#[derive(Clone, Copy, serde::Serialize, serde::Deserialize)]
enum End {
    Killed,
    Panicked,
}

fn until_so_many_wait(changed: &Condition, number: usize) {
    eventually("they wait", || changed.waiting().len() == number);
}

#[carom::test]
fn who_waits_is_told_when_the_one_that_was_notified_dies_under_the_lock() -> carom::Result<()> {
    let _watchdog = watchdog();
    for end in [End::Killed, End::Panicked] {
        let (number, changed) = (Value::new(1)?, Condition::new()?);
        let first = Process::spawn(wait, (number.clone(), changed.clone(), end))?;
        until_so_many_wait(&changed, 1);
        std::thread::scope(|scope| {
            let waiters = [0, 1].map(|_| {
                scope.spawn(|| {
                    changed.wait(number.lock().expect("whole")).map(drop).map_err(|died| drop(died.into_guard()))
                })
            });
            until_so_many_wait(&changed, 3);
            changed.notify(1);
            assert!(!first.join().expect("join").success());
            // the one who repairs what it finds is told; the other one either goes on as well, or waits
            eventually("one of them is told", || waiters.iter().any(|waiter| waiter.is_finished()));
            changed.notify_all();
            let told = waiters.map(|waiter| waiter.join().expect("no panic").is_err());
            assert!(told.contains(&true));
        });
        assert_eq!(changed.waiting(), []);
        assert_eq!(number.get()?, 1);
    }
    Ok(())
}

#[carom::task]
fn die_with_all(number: Value<u32>, array: Array<u8>, lock: Lock, rlock: RLock) {
    let _guards = (number.lock(), array.lock(), lock.lock(), rlock.lock(), rlock.lock());
    std::process::abort();
}

/// Waits, until it is told of one who died.
fn dead<G: Relock>(changed: &Condition, guard: G) -> Option<u32> {
    changed.wait(guard).map(drop).map_err(OwnerDied::release).expect_err("nobody notifies").pid()
}

#[carom::test]
fn who_waits_is_told_whatever_lock_it_is() -> carom::Result<()> {
    let _watchdog = watchdog();
    let changed = Condition::new()?;
    let (number, array, lock, rlock) = (Value::new(1)?, Array::new(&[1_u8])?, Lock::new()?, RLock::new()?);
    std::thread::scope(|scope| {
        let waiters = [
            scope.spawn(|| dead(&changed, number.lock().expect("whole"))),
            scope.spawn(|| dead(&changed, array.lock().expect("whole"))),
            scope.spawn(|| dead(&changed, lock.lock().expect("whole"))),
            scope.spawn(|| dead(&changed, rlock.lock().expect("whole"))),
        ];
        until_so_many_wait(&changed, 4);
        let input = (number.clone(), array.clone(), lock.clone(), rlock.clone());
        let process = Process::spawn(die_with_all, input).expect("spawn");
        assert!(!process.join().expect("join").success());
        for waiter in waiters {
            assert_eq!(waiter.join().expect("no panic"), Some(process.pid()));
        }
    });
    assert_eq!(changed.waiting(), []);
    Ok(())
}

#[test]
fn who_waits_is_told_of_a_thread_that_ended_with_the_lock() -> carom::Result<()> {
    let _watchdog = watchdog();
    let (number, changed) = (Value::new(1)?, Condition::new()?);
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| dead(&changed, number.lock().expect("whole")));
        until_so_many_wait(&changed, 1);
        scope.spawn(|| std::mem::forget(number.lock()));
        assert_eq!(waiter.join().expect("no panic"), Some(std::process::id()));
    });
    Ok(())
}
