//! A program that copies itself by `fork`, or becomes another one by `exec`, with shared memory in its hands: `forks HOW`.
use std::os::unix::process::CommandExt;

use carom::{Array, Barrier, BoundedSemaphore, Condition, Event, Process, RLock, RawValue, Semaphore, Value, pipe};

/// Runs `child` in a forked copy of this process, which ends without another word; how it ended.
fn fork(child: impl FnOnce()) -> libc::c_int {
    // SAFETY: there are no other threads, whose locks the copy would find locked.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0);
    if pid == 0 {
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(child)).is_err();
        // SAFETY: takes an integer.
        unsafe { libc::_exit(panicked.into()) };
    }
    let mut status = 0;
    // SAFETY: the pointer is to one integer.
    assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
    status
}

fn child() -> carom::Result<()> {
    let before: Vec<_> = (0..100_u64).map(Value::new).collect::<Result<_, _>>()?;
    let array = Array::filled(1_u8, 17 << 20)?;
    let (to, from) = pipe::<Value<u64>, Value<u64>>()?;
    // one that the child has alone, as far as it knows
    let mut only = Some(Value::new(7)?);
    for round in 0..5 {
        let status = fork(|| {
            *before[3].lock().expect("free") += 1;
            array.lock().expect("free")[round] = 2;
            drop(only.take());
            drop(before[5].clone());
            let own: Vec<_> = (0..1000).map(|_| Value::new(0).expect("memory")).collect();
            own.iter().for_each(|value| value.set(u64::MAX).expect("free"));
            let large = Array::filled(3_u8, 17 << 20).expect("memory");
            // what it makes goes to others, but not what it has by having been forked, because nobody counts that
            to.send(&own[9]).expect("send");
            let error = to.send(&before[7]).expect_err("it is the parent's");
            assert!(format!("{error:?}").contains("was made before this process was forked"), "{error:?}");
            drop((own, large));
        });
        assert_eq!(status, 0);
        let made: Value<u64> = from.recv()?;
        assert!(made.get()? == u64::MAX && before.iter().all(|value| value.as_lock() != made.as_lock()));
        let after: Vec<_> = (0..1000).map(|_| Value::new(u64::MAX)).collect::<Result<_, _>>()?;
        assert_eq!(only.as_ref().expect("it is here").get()?, 7);
        for (i, value) in before.iter().enumerate() {
            assert_eq!(value.get()?, if i == 3 { 4 + round as u64 } else { i as u64 });
        }
        assert_eq!(array.lock()?.iter().filter(|n| **n == 2).count(), round + 1);
        assert!(after.iter().all(|value| value.get().is_ok_and(|n| n == u64::MAX)));
    }
    // the handles are forgotten with the processes: what this one drops is given back
    drop((before, only));
    Ok(())
}

fn holder() -> carom::Result<()> {
    let value = Value::new(5)?;
    let pid = RawValue::new(0)?;
    for _ in 0..3 {
        let status = fork(|| {
            pid.store(std::process::id());
            *value.lock().expect("free") += 1;
            std::mem::forget(value.lock());
        });
        assert_eq!(status, 0);
        let died = value.lock().expect_err("it is told");
        assert_eq!((died.pid(), died.panicked()), (Some(pid.load()), false));
        drop(died.into_guard());
    }
    // a lock that is held here is not the child's
    let guard = value.lock()?;
    let status = fork(|| {
        assert_eq!(value.as_lock().owner(), Some(std::os::unix::process::parent_id()));
        assert!(value.try_lock().is_err());
        assert!(value.lock_timeout(std::time::Duration::from_millis(1)).is_err());
    });
    assert_eq!(status, 0);
    assert_eq!((*guard, value.as_lock().owner()), (8, Some(std::process::id())));
    // nor does it release it, whatever becomes of its copy of the guard
    let mut guard = Some(guard);
    assert_eq!(fork(|| drop(guard.take())), 0);
    assert_eq!(value.as_lock().owner(), Some(std::process::id()));
    let panics = || {
        let _guard = guard.take();
        std::panic::resume_unwind(Box::new(()));
    };
    assert_ne!(fork(panics), 0);
    assert_eq!(value.as_lock().owner(), Some(std::process::id()));
    drop(guard);
    assert_eq!((value.as_lock().owner(), value.get()?), (None, 8));
    Ok(())
}

/// A child drops the copy of a guard when it has locked the same for itself.
fn guards() -> carom::Result<()> {
    let (number, lock) = (Value::new(1)?, RLock::new()?);
    let (to_child, from_parent) = pipe::<u8, u8>()?;
    let mut held = Some((number.lock()?, lock.lock()?));
    // SAFETY: there are no other threads, whose locks the copy would find locked.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            from_parent.recv().expect("the parent has released both");
            let own = (number.lock().expect("whole"), lock.lock().expect("whole"));
            drop(held.take());
            let are_free = || number.try_lock().is_ok() || lock.try_lock().is_ok();
            assert!(!std::thread::scope(|scope| scope.spawn(are_free).join()).expect("no panic"));
            drop(own);
            assert!(std::thread::scope(|scope| scope.spawn(are_free).join()).expect("no panic"));
        }))
        .is_err();
        // SAFETY: takes an integer.
        unsafe { libc::_exit(panicked.into()) };
    }
    drop(held.take());
    to_child.send(&1)?;
    let mut status = 0;
    // SAFETY: the pointer is to one integer.
    assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
    assert_eq!(status, 0);
    Ok(())
}

fn permits() -> carom::Result<()> {
    let (permits, slots, lock) = (Semaphore::new(3)?, BoundedSemaphore::new(2)?, RLock::new()?);
    let (own, parent) = (std::process::id(), std::os::unix::process::parent_id);
    let mut held = Some((permits.acquire(), slots.acquire()));
    let mut guards = Some([lock.lock()?, lock.lock()?]);
    let is_as_before = || {
        assert_eq!((permits.holders(), permits.available()), (vec![own], 2));
        assert_eq!((slots.holders(), slots.available(), slots.release().is_err()), (vec![own], 1, true));
        assert_eq!(lock.owner(), Some(own));
    };
    // whatever becomes of the copies
    assert_eq!(fork(|| drop((held.take(), guards.take()))), 0);
    is_as_before();
    let forgets = || {
        let (permit, slot) = held.take().expect("a copy");
        permit.forget();
        slot.forget();
        std::mem::forget(guards.take());
    };
    assert_eq!(fork(forgets), 0);
    is_as_before();
    let panics = || {
        let _held = (held.take(), guards.take());
        std::panic::resume_unwind(Box::new(()));
    };
    assert_ne!(fork(panics), 0);
    is_as_before();
    // what it takes itself is its own, and comes back if it ends with it
    let takes = || {
        assert!(lock.try_lock().is_err(), "its parent has it");
        drop(permits.acquire());
        std::mem::forget((permits.acquire(), permits.acquire(), slots.acquire()));
        assert_eq!(permits.holders(), [parent(), std::process::id(), std::process::id()]);
        assert!(permits.try_acquire().is_none() && slots.try_acquire().is_none());
    };
    assert_eq!(fork(takes), 0);
    drop([permits.acquire(), permits.acquire()]);
    drop(slots.acquire());
    is_as_before();
    assert_eq!((permits.recovered(), slots.recovered()), (2, 1));
    drop((held, guards));
    assert_eq!((permits.available(), slots.available(), lock.owner()), (3, 2, None));
    others()
}

/// The rest of what processes wait for, from parent to child and back.
fn others() -> carom::Result<()> {
    let (event, barrier, changed) = (Event::new()?, Barrier::new(1)?, Condition::new()?);
    let value = Value::new(0)?;
    let uses = || {
        event.set();
        assert_eq!(barrier.wait(), Ok(0));
        let guard = value.lock().expect("free");
        assert!(!changed.wait_timeout(guard, std::time::Duration::from_millis(1)).expect("free").1);
        barrier.abort();
    };
    assert_eq!(fork(uses), 0);
    assert!(event.is_set() && barrier.is_broken() && changed.waiting().is_empty());
    assert_eq!(value.get()?, 0);
    Ok(())
}

/// Becomes another program, which waits for the end of its input.
#[carom::task]
fn become_another(value: Value<u64>) {
    let mut guard = value.lock().expect("free");
    *guard += 1;
    let error = std::process::Command::new("cat").exec();
    panic!("{error}");
}

fn exec() -> carom::Result<()> {
    for round in 1..4 {
        let value = Value::new(0)?;
        let (input, hold) = std::io::pipe()?;
        let process = Process::builder().stdin(input).spawn(become_another, value.clone())?;
        let died = loop {
            match value.lock() {
                // it has not come so far
                Ok(guard) => assert_eq!(*guard, 0),
                Err(died) => break died,
            }
        };
        assert_eq!((died.pid(), died.panicked()), (Some(process.pid()), false));
        assert_eq!(*died.into_guard(), 1);
        // which lives, and only now comes to its end
        assert!(process.is_alive(), "in round {round}");
        drop(hold);
        process.join()?.exit_ok()?;
        assert_eq!(value.get()?, 1);
    }
    Ok(())
}

#[carom::main]
fn main() -> carom::Result<()> {
    match std::env::args().nth(1).as_deref() {
        Some("child") => child()?,
        Some("holder") => holder()?,
        Some("exec") => exec()?,
        Some("guards") => guards()?,
        Some("permits") => permits()?,
        how => panic!("unknown: {how:?}"),
    }
    println!("done");
    Ok(())
}
