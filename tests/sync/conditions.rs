//! Waiting until what others change is as one wants it.
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

use carom::{Condition, Process, RawArray, RawValue, Value};

use crate::common::{LONG, watchdog};
use crate::stage::{joined, until_waiting};

#[carom::task]
fn count_up(count: Value<u64>, changed: Condition, times: u64) {
    for _ in 0..times {
        *count.lock().expect("nobody died") += 1;
        changed.notify(1);
    }
}

#[carom::test]
fn who_waits_for_something_sees_it_when_another_process_has_done_it() -> carom::Result<()> {
    let _watchdog = watchdog();
    let (count, changed) = (Value::new(0)?, Condition::new()?);
    let process = Process::spawn(count_up, (count.clone(), changed.clone(), 1000))?;
    let mut looked = Vec::new();
    let guard = changed.wait_for(count.lock()?, |count| {
        looked.push(**count);
        **count == 1000
    })?;
    assert_eq!(*guard, 1000);
    drop(guard);
    assert!(looked.is_sorted());
    assert_eq!(looked.last(), Some(&1000));
    joined(&process);
    Ok(())
}

#[test]
fn what_is_so_already_is_not_waited_for() -> carom::Result<()> {
    let _watchdog = watchdog();
    let (count, changed) = (Value::new(7)?, Condition::new()?);
    let guard = changed.wait_for(count.lock()?, |count| **count == 7)?;
    let (guard, is_so) = changed.wait_for_timeout(guard, Duration::ZERO, |count| **count == 7)?;
    assert!(is_so && *guard == 7);
    // also if it is not: it is looked at once, and the time is over
    let mut looks = 0;
    let (guard, is_so) = changed.wait_for_timeout(guard, Duration::ZERO, |_| {
        looks += 1;
        false
    })?;
    assert_eq!((*guard, is_so, looks), (7, false, 1));
    Ok(())
}

#[carom::test]
fn a_time_for_all_passes_though_it_is_notified_meanwhile() -> carom::Result<()> {
    let _watchdog = watchdog();
    let (count, changed) = (Value::new(0)?, Condition::new()?);
    let process = Process::spawn(count_up, (count.clone(), changed.clone(), 3))?;
    let (start, time) = (Instant::now(), Duration::from_millis(400));
    // it does not go so far
    let (guard, is_so) = changed.wait_for_timeout(count.lock()?, time, |count| **count == 4)?;
    assert!(!is_so && start.elapsed() >= time);
    drop(guard);
    joined(&process);
    let (guard, is_so) = changed.wait_for_timeout(count.lock()?, Duration::MAX, |count| **count == 3)?;
    assert!(is_so);
    drop(guard);
    assert_eq!(changed.waiting(), []);
    Ok(())
}

#[test]
fn a_time_to_wait_passes_while_nobody_notifies() -> carom::Result<()> {
    let _watchdog = watchdog();
    let (count, changed) = (Value::new(0)?, Condition::new()?);
    let mut guard = count.lock()?;
    for time in [Duration::ZERO, Duration::from_nanos(1), Duration::from_millis(30), Duration::from_millis(601)] {
        let start = Instant::now();
        let notified;
        (guard, notified) = changed.wait_timeout(guard, time)?;
        assert!(!notified && start.elapsed() >= time);
        assert_eq!(changed.waiting(), []);
    }
    drop(guard);
    for time in [LONG, Duration::from_secs(1 << 62), Duration::MAX] {
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| changed.wait_timeout(count.lock().expect("whole"), time).expect("whole").1);
            until_waiting(&changed, 1);
            changed.notify(1);
            assert!(waiter.join().expect("no panic"));
        });
    }
    Ok(())
}

/// What lies between those who bring and those who take.
#[carom::shared]
#[derive(Clone, Copy)]
struct Buffer {
    items: [u64; 4],
    first: u64,
    len: u64,
}

#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Store {
    buffer: Value<Buffer>,
    not_empty: Condition,
    not_full: Condition,
    seen: RawArray<AtomicU64>,
    left: RawValue<AtomicU64>,
}

#[carom::task]
fn bring(store: Store, from: u64, to: u64) {
    for item in from..to {
        let guard = store.buffer.lock().expect("nobody died");
        let mut guard = store.not_full.wait_for(guard, |buffer| buffer.len < 4).expect("nobody died");
        let place = (guard.first + guard.len) % 4;
        guard.items[place as usize] = item;
        guard.len += 1;
        drop(guard);
        store.not_empty.notify(1);
    }
}

#[carom::task]
fn fetch(store: Store) {
    // each has taken upon itself to fetch one more
    while store.left.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)).is_ok() {
        let guard = store.buffer.lock().expect("nobody died");
        let mut guard = store.not_empty.wait_for(guard, |buffer| buffer.len > 0).expect("nobody died");
        let item = guard.items[guard.first as usize];
        guard.first = (guard.first + 1) % 4;
        guard.len -= 1;
        // with the lock held, which is as good
        store.not_full.notify(1);
        drop(guard);
        store.seen[item as usize].fetch_add(1, SeqCst);
    }
}

#[carom::test]
fn what_goes_through_a_small_buffer_arrives_exactly_once() -> carom::Result<()> {
    let _watchdog = watchdog();
    let store = Store {
        buffer: Value::new(Buffer { items: [0; 4], first: 0, len: 0 })?,
        not_empty: Condition::new()?,
        not_full: Condition::new()?,
        seen: RawArray::from_fn(3000, |_| AtomicU64::new(0))?,
        left: RawValue::new(AtomicU64::new(3000))?,
    };
    let mut processes =
        vec![Process::spawn(bring, (store.clone(), 0, 1000))?, Process::spawn(bring, (store.clone(), 1000, 2000))?];
    for _ in 0..3 {
        processes.push(Process::spawn(fetch, store.clone())?);
    }
    std::thread::scope(|scope| {
        scope.spawn(|| fetch(store.clone()));
        bring(store.clone(), 2000, 3000);
    });
    processes.iter().for_each(joined);
    assert!(store.seen.iter().all(|seen| seen.load(SeqCst) == 1));
    assert_eq!((store.buffer.lock()?.len, store.not_empty.waiting(), store.not_full.waiting()), (0, vec![], vec![]));
    Ok(())
}

#[test]
fn more_wait_than_can_be_told_apart_and_all_go_on() -> carom::Result<()> {
    let _watchdog = watchdog();
    let (open, changed) = (Value::new(false)?, Condition::new()?);
    std::thread::scope(|scope| {
        let wait = || drop(changed.wait_for(open.lock().expect("whole"), |open| **open).expect("whole"));
        let waiters: Vec<_> = (0..300).map(|_| scope.spawn(wait)).collect();
        until_waiting(&changed, 256);
        assert!(!waiters.iter().any(std::thread::ScopedJoinHandle::is_finished));
        *open.lock().expect("whole") = true;
        changed.notify_all();
    });
    assert_eq!(changed.waiting(), []);
    assert!(*open.lock()?);
    Ok(())
}
