//! Locks whose holders live.
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use carom::{Array, Connection, Lock, LockTimeoutError, Process, RawValue, TryLockError, Value, pipe};

use crate::common::{LONG, own_tid, until_it_waits, watchdog};
use crate::stage::{Holder, Order};

/// Adds in steps that another one between them would spoil.
#[carom::task]
fn add(lock: Lock, total: RawValue<u64>, times: u64) {
    for _ in 0..times {
        let _guard = lock.lock().expect("nobody dies");
        let before = total.load();
        std::hint::spin_loop();
        total.store(before + 1);
    }
}

#[carom::task]
fn add_in_threads(lock: Lock, total: RawValue<u64>, times: u64) {
    std::thread::scope(|scope| {
        (0..3).for_each(|_| {
            scope.spawn(|| add(lock.clone(), total.clone(), times));
        });
    });
}

#[carom::test]
fn one_thread_of_one_process_holds_it_at_a_time() -> carom::Result<()> {
    let _watchdog = watchdog();
    let (lock, total) = (Lock::new()?, RawValue::new(0)?);
    let processes: Vec<_> = (0..3)
        .map(|_| Process::spawn(add_in_threads, (lock.clone(), total.clone(), 3000)))
        .collect::<Result<_, _>>()?;
    add_in_threads(lock.clone(), total.clone(), 3000);
    for process in processes {
        process.join()?.exit_ok()?;
    }
    assert_eq!(total.load(), 4 * 3 * 3000);
    assert_eq!(lock.owner(), None);
    Ok(())
}

#[carom::test]
fn who_does_not_wait_is_told_that_it_is_held() -> carom::Result<()> {
    let _watchdog = watchdog();
    let (lock, value, array) = (Lock::new()?, Value::new(1)?, Array::new(&[1])?);
    let holders = [&lock, value.as_lock(), array.as_lock()].map(Holder::of);
    let error = lock.try_lock().expect_err("held");
    assert!(matches!(error, TryLockError::WouldBlock));
    assert_eq!(error.to_string(), "the lock is held");
    assert!(matches!(value.try_lock(), Err(TryLockError::WouldBlock)));
    assert!(matches!(array.try_lock(), Err(TryLockError::WouldBlock)));
    for holder in holders {
        holder.order(Order::Release);
        holder.join();
    }
    drop(lock.try_lock()?);
    assert_eq!((*value.try_lock()?, array.try_lock()?[0]), (1, 1));
    // held by this very thread
    let guard = lock.lock()?;
    assert!(matches!(lock.try_lock(), Err(TryLockError::WouldBlock)));
    drop(guard);
    drop(lock.try_lock()?);
    Ok(())
}

#[carom::test]
fn a_time_to_wait_passes_while_it_is_held() -> carom::Result<()> {
    let _watchdog = watchdog();
    let (lock, value, array) = (Lock::new()?, Value::new(1)?, Array::new(&[1])?);
    let holders = [&lock, value.as_lock(), array.as_lock()].map(Holder::of);
    for time in [Duration::ZERO, Duration::from_nanos(1), Duration::from_millis(30), Duration::from_millis(1001)] {
        let start = Instant::now();
        let error = lock.lock_timeout(time).expect_err("held");
        assert!(start.elapsed() >= time);
        assert!(matches!(error, LockTimeoutError::Timeout));
        assert_eq!(error.to_string(), "the lock was held for longer than the time to wait");
    }
    assert!(matches!(value.lock_timeout(Duration::from_millis(1)), Err(LockTimeoutError::Timeout)));
    assert!(matches!(array.lock_timeout(Duration::from_millis(1)), Err(LockTimeoutError::Timeout)));
    for holder in holders {
        holder.order(Order::Release);
        holder.join();
    }
    // a free one is taken though there is no time to wait, and when that is longer than time can be told
    for time in [Duration::ZERO, LONG, Duration::from_secs(u64::MAX / 4), Duration::from_secs(1 << 62), Duration::MAX] {
        drop(lock.lock_timeout(time)?);
    }
    assert_eq!((*value.lock_timeout(LONG)?, array.lock_timeout(LONG)?[0]), (1, 1));
    Ok(())
}

#[carom::test]
fn who_waits_gets_it_when_it_is_released() -> carom::Result<()> {
    let _watchdog = watchdog();
    let lock = Lock::new()?;
    let waits: [fn(&Lock); 4] = [
        |lock| drop(lock.lock().expect("released")),
        |lock| drop(lock.lock_timeout(LONG).expect("released")),
        |lock| drop(lock.lock_timeout(Duration::from_secs(1 << 60)).expect("released")),
        |lock| drop(lock.lock_timeout(Duration::MAX).expect("released")),
    ];
    for wait in waits {
        let holder = Holder::of(&lock);
        let (sender, tids) = mpsc::channel();
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| {
                sender.send(own_tid()).expect("send");
                wait(&lock);
            });
            until_it_waits(tids.recv().expect("a thread"));
            assert!(!waiter.is_finished());
            assert_eq!(lock.owner(), Some(holder.pid()));
            holder.order(Order::Release);
        });
        holder.join();
    }
    Ok(())
}

#[test]
fn who_holds_it_and_would_wait_for_it_panics() -> carom::Result<()> {
    let _watchdog = watchdog();
    let value = Value::new(1)?;
    let sentence =
        "this thread holds the lock already, and would wait for itself: use the guard that it has, or drop that before";
    let guard = value.lock()?;
    let again: [&dyn Fn(); 5] = [
        &|| drop(value.lock()),
        &|| drop(value.lock_timeout(LONG)),
        &|| drop(value.as_lock().lock()),
        &|| drop(value.clone().get()),
        &|| drop(value.set(3)),
    ];
    for lock in again {
        let panic = catch_unwind(AssertUnwindSafe(lock)).expect_err("it would wait for ever");
        assert_eq!(panic.downcast_ref::<&str>(), Some(&sentence));
    }
    // which is no harm to the guard that there is
    assert_eq!(*guard, 1);
    drop(guard);
    assert_eq!(value.get()?, 1);
    Ok(())
}

#[carom::task]
fn tell_owner(lock: Lock) -> Option<u32> {
    lock.owner()
}

#[carom::test]
fn all_see_who_holds_it() -> carom::Result<()> {
    let _watchdog = watchdog();
    let pool = carom::Pool::builder().processes(1).build()?;
    let lock = Lock::new()?;
    assert_eq!((lock.owner(), format!("{lock:?}")), (None, "Lock { owner: None }".to_owned()));
    let guard = lock.lock()?;
    assert_eq!(pool.apply(tell_owner, lock.clone())?, Some(std::process::id()));
    drop(guard);
    let holder = Holder::of(&lock);
    assert_eq!((lock.owner(), pool.apply(tell_owner, lock.clone())?), (Some(holder.pid()), Some(holder.pid())));
    holder.order(Order::Release);
    holder.join();
    assert_eq!((lock.owner(), pool.apply(tell_owner, lock.clone())?), (None, None));
    Ok(())
}

#[carom::task]
fn wait_for_it(value: Value<u64>, told: Connection<u32, ()>) {
    told.send(&own_tid()).expect("send");
    *value.lock().expect("nobody dies who holds it") += 1;
}

#[carom::test]
fn who_is_killed_while_it_waits_harms_nobody() -> carom::Result<()> {
    let _watchdog = watchdog();
    let value = Value::new(0)?;
    let waiter = || {
        let (tids, told) = pipe().expect("pipe");
        let process = Process::spawn(wait_for_it, (value.clone(), told)).expect("spawn");
        until_it_waits(tids.recv().expect("a thread"));
        process
    };
    for _ in 0..5 {
        let guard = value.lock()?;
        let [first, killed, last] = [waiter(), waiter(), waiter()];
        killed.kill()?;
        let _ = killed.join()?;
        drop(guard);
        first.join()?.exit_ok()?;
        last.join()?.exit_ok()?;
    }
    // and when it was the only one
    let guard = value.lock()?;
    let killed = waiter();
    killed.kill()?;
    let _ = killed.join()?;
    drop(guard);
    assert_eq!(value.get()?, 10);
    Ok(())
}

#[test]
fn thousand_locks_are_held_at_once() -> carom::Result<()> {
    let _watchdog = watchdog();
    let locks: Vec<_> = (0..1000).map(|_| Lock::new()).collect::<Result<_, _>>()?;
    let guards: Vec<_> = locks.iter().map(|lock| lock.lock().expect("free")).collect();
    std::thread::scope(|scope| {
        scope.spawn(|| assert!(locks.iter().all(|lock| matches!(lock.try_lock(), Err(TryLockError::WouldBlock)))));
    });
    drop(guards);
    assert!(locks.iter().all(|lock| lock.owner().is_none() && lock.try_lock().is_ok()));
    Ok(())
}
