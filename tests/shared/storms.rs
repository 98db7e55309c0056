//! Processes that are killed in any state, many times.
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use std::time::Duration;

use carom::{Array, Connection, LockTimeoutError, Process, RawValue, TryLockError, Value, pipe};

use crate::common::{LONG, eventually, numbers, watchdog_after};

/// Three numbers that are the same, but for the time of a change.
type Three = [u64; 3];

/// Changes them step by step, and makes them the same again where a change was not finished.
fn change(three: &Value<Three>, way: u64) -> bool {
    let locked = match way % 3 {
        0 => three.lock(),
        1 => loop {
            match three.try_lock() {
                Ok(guard) => break Ok(guard),
                Err(TryLockError::OwnerDied(died)) => break Err(died),
                Err(TryLockError::WouldBlock) => std::thread::yield_now(),
            }
        },
        _ => loop {
            match three.lock_timeout(Duration::from_micros(50)) {
                Ok(guard) => break Ok(guard),
                Err(LockTimeoutError::OwnerDied(died)) => break Err(died),
                Err(LockTimeoutError::Timeout) => {}
            }
        },
    };
    let (mut guard, died) = match locked {
        Ok(guard) => (guard, false),
        Err(died) => (died.into_guard(), true),
    };
    if died {
        // the first is the last one to be changed by a repair, too
        guard[1] = guard[2];
        guard[0] = guard[2];
    }
    assert!(guard[0] == guard[1] && guard[1] == guard[2], "{:?}", *guard);
    for i in 0..3 {
        // as a machine does it, and not as a compiler that knows better
        let next = std::hint::black_box(guard[i] + 1);
        guard[i] = next;
        std::hint::black_box(&mut *guard);
    }
    died
}

#[carom::task]
fn change_for_ever(three: Value<Three>, changes: RawValue<AtomicU64>, repairs: RawValue<AtomicU64>) {
    for way in 0.. {
        let died = change(&three, way);
        changes.fetch_add(1, Relaxed);
        repairs.fetch_add(died.into(), Relaxed);
    }
}

#[carom::test]
fn what_is_repaired_is_whole_however_many_are_killed() -> carom::Result<()> {
    let _watchdog = watchdog_after(5 * LONG);
    let mut number = numbers(1);
    let three = Value::new([0; 3])?;
    let (changes, repairs) = (RawValue::new(AtomicU64::new(0))?, RawValue::new(AtomicU64::new(0))?);
    let start = || Process::spawn(change_for_ever, (three.clone(), changes.clone(), repairs.clone()));
    let mut processes = [start()?, start()?, start()?];
    for round in 0..300 {
        let until = changes.load(Relaxed) + number(50);
        eventually("they go on", || changes.load(Relaxed) >= until);
        let which = number(3) as usize;
        processes[which].kill()?;
        if number(4) == 0 {
            // this process, too, waits and repairs
            change(&three, round);
        }
        assert_eq!(processes[which].join()?.signal(), Some(libc::SIGKILL), "round {round}");
        processes[which] = start()?;
    }
    for process in processes {
        process.kill()?;
        let _ = process.join()?;
    }
    change(&three, 0);
    assert!(!change(&three, 0), "all is in order");
    assert!(repairs.load(Relaxed) > 0, "some held it when they were killed");
    Ok(())
}

#[carom::task]
fn pass_on(left: Connection<Array<u64>, Array<u64>>, right: Connection<Array<u64>, Array<u64>>) {
    for array in left.iter() {
        let Ok(array) = array else { return };
        let mut guard = array.lock().or_else(|died| Ok::<_, ()>(died.into_guard())).expect("a guard");
        guard.iter_mut().for_each(|n| *n += 1);
        drop(guard);
        if right.send(&array).is_err() {
            return;
        }
    }
}

#[carom::test]
fn those_who_are_killed_while_handles_are_on_their_way_take_nothing_with_them() -> carom::Result<()> {
    let _watchdog = watchdog_after(5 * LONG);
    let mut number = numbers(2);
    for _ in 0..60 {
        let (ours, left) = pipe()?;
        let (right, theirs) = pipe()?;
        let process = Process::spawn(pass_on, (left, right))?;
        let kept: Vec<_> = (0..20).map(|i| Array::filled(i, 100)).collect::<Result<_, _>>()?;
        let until = number(20);
        for (i, array) in kept.iter().enumerate() {
            if ours.send(array).is_err() {
                break;
            }
            ours.send(&Array::zeroed(100)?).ok();
            if i as u64 == until {
                process.kill()?;
            }
        }
        drop(ours);
        process.kill()?;
        let _ = process.join()?;
        // what came back is whole, and so is what was kept
        for array in theirs.iter() {
            let Ok(array) = array else { break };
            let guard = array.lock().or_else(|died| Ok::<_, ()>(died.into_guard())).expect("a guard");
            assert!(guard.iter().all(|n| *n == guard[0]) && guard[0] > 0);
        }
        for (i, array) in kept.iter().enumerate() {
            let guard = array.lock().or_else(|died| Ok::<_, ()>(died.into_guard())).expect("a guard");
            assert!(guard.iter().all(|n| *n == i as u64 || *n == i as u64 + 1), "{i}: {guard:?}");
        }
    }
    Ok(())
}
