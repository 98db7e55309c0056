//! Locks whose holders have ended.
use carom::{Array, Lock, LockTimeoutError, OwnerDied, Pool, TryLockError, Value};

use crate::common::{LONG, own_tid, until_it_waits, watchdog};
use crate::stage::{Holder, Order};

#[track_caller]
fn is_told<G>(died: &OwnerDied<G>, pid: u32) {
    assert_eq!((died.pid(), died.panicked()), (Some(pid), false));
    assert_eq!(died.to_string(), format!("process {pid}, or a thread of it, ended while it held the lock"));
}

#[carom::test]
fn the_lock_of_one_who_was_killed_is_taken_at_once_and_it_is_told() -> carom::Result<()> {
    let _watchdog = watchdog();
    let lock = Lock::new()?;
    for _ in 0..3 {
        let pid = Holder::of(&lock).kill();
        assert_eq!(lock.owner(), Some(pid), "that held it when it ended");
        let died = lock.lock().expect_err("it died");
        is_told(&died, pid);
        assert_eq!(lock.owner(), Some(std::process::id()));
        drop(died.into_guard());
        drop(lock.lock()?);
    }
    Ok(())
}

#[carom::test]
fn all_ways_to_lock_tell_it_until_one_has_repaired() -> carom::Result<()> {
    let _watchdog = watchdog();
    let (lock, value, array) = (Lock::new()?, Value::new(7)?, Array::new(&[1, 2])?);
    let pids = [&lock, value.as_lock(), array.as_lock()].map(|lock| Holder::of(lock).kill());
    // an error that is dropped releases the lock, and the next one is told
    for _ in 0..2 {
        is_told(&lock.lock().expect_err("told"), pids[0]);
        is_told(&value.lock().expect_err("told"), pids[1]);
        is_told(&value.get().expect_err("told"), pids[1]);
        is_told(&value.set(9).expect_err("told"), pids[1]);
        is_told(&array.to_vec().expect_err("told"), pids[2]);
        let TryLockError::OwnerDied(died) = value.try_lock().expect_err("told") else { panic!("it is free") };
        is_told(&died, pids[1]);
        drop(died);
        let LockTimeoutError::OwnerDied(died) = array.lock_timeout(LONG).expect_err("told") else { panic!("free") };
        is_told(&died, pids[2]);
    }
    // as long as a guard that was taken out is not dropped, nobody else has it
    let guard = value.lock().expect_err("told").into_guard();
    assert_eq!(*guard, 7, "nothing was set");
    assert!(matches!(value.try_lock(), Err(TryLockError::WouldBlock)));
    drop(guard);
    assert_eq!(value.get()?, 7);
    array.lock().expect_err("told").into_guard().copy_from_slice(&[3, 4]);
    assert_eq!(array.to_vec()?, [3, 4]);
    drop(lock.lock().expect_err("told").into_guard());
    drop(lock.lock()?);
    Ok(())
}

#[carom::test]
fn others_are_told_as_well_in_the_process_that_made_it_and_in_those_that_come_later() -> carom::Result<()> {
    let _watchdog = watchdog();
    let value = Value::new(7)?;
    let pid = Holder::of(value.as_lock()).kill();
    drop(value.lock().expect_err("told"));
    let pool = Pool::builder().processes(2).build()?;
    for _ in 0..4 {
        assert_eq!(pool.apply(get, value.clone())?, Err(pid));
    }
    assert_eq!(pool.apply(repair, (value.clone(), 8))?, 7);
    assert_eq!(pool.apply(get, value.clone())?, Ok(8));
    assert_eq!(value.get()?, 8);
    Ok(())
}

#[carom::task]
fn get(value: Value<u64>) -> Result<u64, u32> {
    value.get().map_err(|died| died.pid().expect("it is known"))
}

#[carom::task]
fn repair(value: Value<u64>, new: u64) -> u64 {
    let mut guard = value.lock().expect_err("told").into_guard();
    std::mem::replace(&mut guard, new)
}

#[carom::test]
fn as_an_error_of_all_kinds_it_says_the_same_and_holds_no_lock() -> carom::Result<()> {
    let _watchdog = watchdog();
    fn get(value: &Value<u64>) -> carom::Result<u64> {
        Ok(*value.lock()?)
    }
    let value = Value::new(7)?;
    let pid = Holder::of(value.as_lock()).kill();
    for _ in 0..2 {
        let carom::Error::OwnerDied(died) = get(&value).expect_err("told") else { panic!("another error") };
        assert_eq!((died.pid(), died.panicked()), (Some(pid), false));
        assert_eq!(value.as_lock().owner(), None, "to keep the error hinders nobody");
        assert_eq!(
            carom::Error::OwnerDied(died).to_string(),
            format!("process {pid}, or a thread of it, ended while it held the lock")
        );
    }
    let guard = value.lock().expect_err("told").into_guard();
    assert!(matches!(value.try_lock().map(drop).map_err(carom::Error::from), Err(carom::Error::Locked)));
    drop(guard);
    assert_eq!(get(&value)?, 7);
    Ok(())
}

#[carom::test]
fn of_those_who_wait_when_the_holder_is_killed_each_is_told() -> carom::Result<()> {
    let _watchdog = watchdog();
    let lock = Lock::new()?;
    let holder = Holder::of(&lock);
    let pid = holder.pid();
    std::thread::scope(|scope| {
        let (sender, tids) = std::sync::mpsc::channel();
        for _ in 0..3 {
            let (sender, lock) = (sender.clone(), &lock);
            scope.spawn(move || {
                sender.send(own_tid()).expect("send");
                is_told(&lock.lock().expect_err("told"), pid);
            });
        }
        (0..3).for_each(|_| until_it_waits(tids.recv().expect("a thread")));
        holder.kill();
    });
    Ok(())
}

#[carom::task]
fn panic_with(value: Value<u64>) {
    let mut guard = value.lock().expect("nobody died");
    *guard = 5;
    panic!("on purpose");
}

#[carom::test]
fn a_panic_is_told_and_the_worker_lives_on() -> carom::Result<()> {
    let _watchdog = watchdog();
    let pool = Pool::builder().processes(1).build()?;
    let value = Value::new(4)?;
    for _ in 0..2 {
        assert!(pool.apply(panic_with, value.clone()).expect_err("it panics").panic().is_some());
        let died = value.lock().expect_err("told");
        assert_eq!((died.pid(), died.panicked()), (Some(pool.worker_pids()[0]), true));
        assert_eq!(died.to_string(), format!("process {} panicked while it held the lock", pool.worker_pids()[0]));
        drop(died);
        assert_eq!(pool.apply(get, value.clone())?, Err(pool.worker_pids()[0]));
        let mut guard = value.lock().expect_err("told still").into_guard();
        assert_eq!(*guard, 5);
        *guard = 4;
        drop(guard);
        assert_eq!(pool.apply(get, value.clone())?, Ok(4));
    }
    // of a process, too
    let holder = Holder::of(value.as_lock());
    holder.order(Order::Panic);
    let pid = holder.join();
    let died = value.lock().expect_err("told");
    assert_eq!((died.pid(), died.panicked()), (Some(pid), true));
    Ok(())
}

#[carom::test]
fn who_is_killed_or_panics_while_it_repairs_is_told_of_in_turn() -> carom::Result<()> {
    let _watchdog = watchdog();
    let lock = Lock::new()?;
    for _ in 0..3 {
        // these hold a guard that they took out of the error
        let pid = Holder::of(&lock).kill();
        is_told(&lock.lock().expect_err("told"), pid);
    }
    let holder = Holder::of(&lock);
    holder.order(Order::Panic);
    let pid = holder.join();
    let died = lock.lock().expect_err("told");
    assert_eq!((died.pid(), died.panicked()), (Some(pid), true));
    drop(died);
    let pid = Holder::of(&lock).kill();
    is_told(&lock.lock().expect_err("told"), pid);
    let holder = Holder::of(&lock);
    holder.order(Order::Release);
    holder.join();
    drop(lock.lock()?);
    Ok(())
}

#[test]
fn a_thread_that_ends_while_it_holds_it_is_told_of() -> carom::Result<()> {
    let _watchdog = watchdog();
    let value = Value::new(7)?;
    let forget = || std::mem::forget(value.lock().or_else(|died| Ok::<_, ()>(died.into_guard())));
    for _ in 0..3 {
        std::thread::scope(|scope| scope.spawn(forget).join()).expect("it ends");
        is_told(&value.lock().expect_err("told"), std::process::id());
    }
    std::thread::scope(|scope| scope.spawn(forget).join()).expect("it ends");
    drop(value.lock().expect_err("told").into_guard());
    assert_eq!(value.get()?, 7);
    Ok(())
}

#[test]
fn an_object_whose_guard_was_forgotten_stays_where_it_is() -> carom::Result<()> {
    let _watchdog = watchdog();
    let thread = std::thread::spawn(|| {
        let addresses: Vec<usize> = (0..100)
            .map(|_| {
                let value = Value::new(7).expect("memory");
                let guard = value.lock().expect("free");
                let address = (&raw const *guard).addr();
                std::mem::forget(guard);
                address
            })
            .collect();
        let other = Value::new(8).expect("memory");
        let guard = other.lock().expect("free");
        assert!(!addresses.contains(&(&raw const *guard).addr()), "the kernel knows these places");
    });
    thread.join().expect("it ends");
    assert_eq!(Value::new(9)?.get()?, 9);
    Ok(())
}
