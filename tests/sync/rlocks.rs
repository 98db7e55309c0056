//! A lock that its holder can take again.

use std::sync::mpsc;
use std::time::Duration;

use carom::{Connection, LockTimeoutError, OwnerDied, Pool, Process, RLock, RemoteError, TryLockError, pipe};

use crate::common::{own_tid, until_it_waits, watchdog};
use crate::stage::killed;

/// Takes it several times, and waits for its end or the connection's.
#[carom::task]
fn take(lock: RLock, depth: usize, ready: Connection<u64, u64>) -> Result<(), RemoteError> {
    let guards: Vec<_> = (0..depth).map(|_| lock.lock()).collect::<Result<_, _>>()?;
    ready.send(&0)?;
    let _ = ready.recv();
    drop(guards);
    Ok(())
}

fn holder(lock: &RLock, depth: usize) -> carom::Result<(Process, Connection<u64, u64>)> {
    let (here, there) = pipe()?;
    let process = Process::spawn(take, (lock.clone(), depth, there))?;
    here.recv()?;
    Ok((process, here))
}

/// Whether others can take it, as another thread finds.
fn is_free(lock: &RLock) -> bool {
    std::thread::scope(|scope| scope.spawn(|| lock.try_lock().is_ok()).join().expect("no panic"))
}

#[test]
fn it_is_free_when_the_last_guard_is_dropped_in_whatever_order() -> carom::Result<()> {
    let _watchdog = watchdog();
    let lock = RLock::new()?;
    let mut guards = vec![lock.lock()?, lock.try_lock()?, lock.lock_timeout(Duration::ZERO)?];
    for index in [1, 0, 0] {
        assert_eq!(lock.owner(), Some(std::process::id()));
        assert!(!is_free(&lock));
        drop(guards.remove(index));
    }
    assert_eq!(lock.owner(), None);
    assert!(is_free(&lock));
    Ok(())
}

#[carom::test]
fn others_wait_until_the_holder_has_dropped_all() -> carom::Result<()> {
    let _watchdog = watchdog();
    let lock = RLock::new()?;
    let (process, hold) = holder(&lock, 3)?;
    assert_eq!(lock.owner(), Some(process.pid()));
    assert!(matches!(lock.try_lock(), Err(TryLockError::WouldBlock)));
    assert!(matches!(lock.lock_timeout(Duration::from_millis(20)), Err(LockTimeoutError::Timeout)));
    drop(hold);
    drop(lock.lock()?);
    process.join()?.exit_ok()?;
    Ok(())
}

#[carom::task]
fn tell_owner(lock: RLock) -> Option<u32> {
    lock.owner()
}

#[carom::test]
fn all_see_who_holds_it() -> carom::Result<()> {
    let _watchdog = watchdog();
    let (lock, pool) = (RLock::new()?, Pool::builder().processes(1).build()?);
    assert_eq!(
        (pool.apply(tell_owner, lock.clone())?, format!("{lock:?}")),
        (None, "RLock { owner: None }".to_owned())
    );
    let guards = [lock.lock()?, lock.lock()?];
    assert_eq!(pool.apply(tell_owner, lock.clone())?, Some(std::process::id()));
    assert_eq!(format!("{guards:?}"), "[RLockGuard, RLockGuard]");
    drop(guards);
    let (process, hold) = holder(&lock, 2)?;
    let owner = Some(process.pid());
    assert_eq!((lock.owner(), pool.apply(tell_owner, lock.clone())?), (owner, owner));
    assert_eq!(format!("{lock:?}"), format!("RLock {{ owner: {owner:?} }}"));
    drop(hold);
    process.join()?.exit_ok()?;
    assert_eq!((lock.owner(), pool.apply(tell_owner, lock.clone())?), (None, None));
    Ok(())
}

#[carom::task]
fn count(lock: RLock, counter: carom::RawValue<u64>) {
    for _ in 0..2000 {
        let _outer = lock.lock().expect("nobody died");
        let _inner = lock.lock().expect("nobody died");
        counter.store(counter.load() + 1);
    }
}

#[carom::test]
fn one_thread_of_one_process_is_inside_at_a_time() -> carom::Result<()> {
    let _watchdog = watchdog();
    let (lock, counter) = (RLock::new()?, carom::RawValue::new(0)?);
    let processes = [(); 3].map(|()| Process::spawn(count, (lock.clone(), counter.clone())));
    for process in processes {
        process?.join()?.exit_ok()?;
    }
    assert_eq!(counter.load(), 6000);
    Ok(())
}

#[carom::test]
fn who_dies_deep_inside_is_told_of_once() -> carom::Result<()> {
    let _watchdog = watchdog();
    let lock = RLock::new()?;
    for depth in [1, 5] {
        let (process, _hold) = holder(&lock, depth)?;
        process.kill()?;
        let died = lock.lock().expect_err("it died");
        assert_eq!(died.pid(), Some(process.pid()));
        drop(died);
        // until it is repaired, and the depth is that of this process alone
        let guard = lock.lock().unwrap_or_else(OwnerDied::into_guard);
        let again = lock.lock()?;
        drop((again, guard));
        assert!(is_free(&lock));
        assert_eq!(process.join()?.signal(), Some(9));
    }
    Ok(())
}

#[carom::test]
fn who_sleeps_is_told_when_the_holder_is_killed() -> carom::Result<()> {
    let _watchdog = watchdog();
    let lock = RLock::new()?;
    let (process, _hold) = holder(&lock, 3)?;
    let (sender, tids) = mpsc::channel();
    std::thread::scope(|scope| -> carom::Result<()> {
        let waiter = scope.spawn(|| {
            sender.send(own_tid()).expect("send");
            lock.lock().map(drop).map_err(OwnerDied::release)
        });
        until_it_waits(tids.recv().expect("a thread"));
        let pid = killed(&process);
        assert_eq!(waiter.join().expect("no panic").expect_err("it died").pid(), Some(pid));
        Ok(())
    })
}

#[carom::task]
fn panic_inside(lock: RLock) {
    let _outer = lock.lock().expect("nobody died");
    let _inner = lock.lock().expect("nobody died");
    panic!("on purpose");
}

#[carom::test]
fn a_panic_inside_is_told() -> carom::Result<()> {
    let _watchdog = watchdog();
    let lock = RLock::new()?;
    let pool = Pool::builder().processes(1).build()?;
    assert!(pool.apply(panic_inside, lock.clone()).is_err());
    let died = lock.try_lock().expect_err("it panicked");
    assert!(matches!(&died, TryLockError::OwnerDied(died) if died.panicked()), "{died:?}");
    drop(died);
    drop(lock.lock().expect_err("still").into_guard());
    drop(lock.lock()?);
    Ok(())
}

#[test]
fn another_thread_of_the_holder_waits() -> carom::Result<()> {
    let _watchdog = watchdog();
    let lock = RLock::new()?;
    let guard = lock.lock()?;
    let (sender, receiver) = mpsc::channel();
    std::thread::scope(|scope| {
        let lock = &lock;
        scope.spawn(move || {
            assert!(matches!(lock.try_lock(), Err(TryLockError::WouldBlock)));
            sender.send("waits").expect("send");
            drop(lock.lock().expect("nobody died"));
            sender.send("has it").expect("send");
        });
        assert_eq!(receiver.recv(), Ok("waits"));
        assert_eq!(receiver.try_recv(), Err(mpsc::TryRecvError::Empty));
        drop(guard);
        assert_eq!(receiver.recv(), Ok("has it"));
    });
    Ok(())
}
