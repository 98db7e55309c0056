//! What hangs in the Python libraries after one `kill -9`, scene by scene, and must not here.
use std::time::Duration;

use carom::{Barrier, BoundedSemaphore, BrokenBarrier, Condition, Event, Lock, Process, RawValue, Value};

use crate::common::{LONG, eventually, own_tid, watchdog};
use crate::stage::{asleep, joined, killed, until_waiting};

#[carom::task]
fn hold(lock: Lock, tid: RawValue<u32>, never: Event) {
    let _guard = lock.lock().expect("nobody died");
    tid.store(own_tid());
    never.wait();
}

#[carom::test]
fn lock_whose_holder_was_killed() -> carom::Result<()> {
    let _watchdog = watchdog();
    let (lock, tid, never) = (Lock::new()?, RawValue::new(0)?, Event::new()?);
    let holder = Process::spawn(hold, (lock.clone(), tid.clone(), never))?;
    eventually("it holds the lock", || tid.load() != 0);
    let pid = killed(&holder);
    assert_eq!(lock.lock().expect_err("it died").pid(), Some(pid));
    drop(lock.lock().expect_err("still").into_guard());
    drop(lock.try_lock()?);
    Ok(())
}

#[carom::task]
fn wait_until_it_is(value: Value<u64>, number: u64, changed: Condition) {
    drop(changed.wait_for(value.lock().expect("whole"), |value| **value == number).expect("whole"));
}

#[carom::test]
fn notify_after_a_waiter_was_killed() -> carom::Result<()> {
    let _watchdog = watchdog();
    let (value, changed) = (Value::new(0)?, Condition::new()?);
    for round in 1..4 {
        let start = || Process::spawn(wait_until_it_is, (value.clone(), round, changed.clone()));
        let first = start()?;
        until_waiting(&changed, 1);
        let other = start()?;
        until_waiting(&changed, 2);
        killed(&first);
        *value.lock()? = round;
        // which is given to the dead, who came first
        changed.notify(1);
        joined(&other);
        eventually("nobody is left", || changed.waiting().is_empty());
    }
    Ok(())
}

#[carom::test]
fn notify_all_after_three_waiters_were_killed() -> carom::Result<()> {
    let _watchdog = watchdog();
    let (value, changed) = (Value::new(0)?, Condition::new()?);
    let start = || Process::spawn(wait_until_it_is, (value.clone(), 1, changed.clone()));
    let processes = [start()?, start()?, start()?, start()?];
    until_waiting(&changed, 4);
    for process in &processes[..3] {
        killed(process);
    }
    *value.lock()? = 1;
    changed.notify_all();
    joined(&processes[3]);
    assert_eq!(changed.waiting(), []);
    Ok(())
}

#[carom::task]
fn wait_for_event(event: Event, tid: RawValue<u32>) {
    tid.store(own_tid());
    event.wait();
}

#[carom::test]
fn event_that_is_set_after_a_waiter_was_killed() -> carom::Result<()> {
    let _watchdog = watchdog();
    let event = Event::new()?;
    let waiters = [asleep(wait_for_event, event.clone())?, asleep(wait_for_event, event.clone())?];
    killed(&waiters[0]);
    assert!(!event.is_set());
    event.set();
    assert!(event.is_set());
    joined(&waiters[1]);
    Ok(())
}

#[carom::task]
fn meet(barrier: Barrier) -> Result<(), BrokenBarrier> {
    barrier.wait()?;
    Ok(())
}

#[carom::test]
fn barrier_at_which_a_party_was_killed_and_that_is_reset() -> carom::Result<()> {
    let _watchdog = watchdog();
    // the last one to come finds all others there, one of whom died there
    let barrier = Barrier::new(2)?;
    let party = Process::spawn(meet, barrier.clone())?;
    eventually("it waits", || barrier.n_waiting() == 1);
    killed(&party);
    assert_eq!(barrier.wait_timeout(LONG), Ok(1));
    // and of those who are not the last, each is told
    let party = Process::spawn(meet, barrier.clone())?;
    eventually("it waits", || barrier.n_waiting() == 1);
    barrier.reset();
    assert!(!party.join()?.success());
    assert_eq!((barrier.n_waiting(), barrier.is_broken()), (0, false));
    let party = Process::spawn(meet, barrier.clone())?;
    barrier.wait_timeout(LONG)?;
    joined(&party);
    Ok(())
}

#[carom::task]
fn keep(slots: BoundedSemaphore, tid: RawValue<u32>, never: Event) {
    let _permit = slots.acquire();
    tid.store(own_tid());
    never.wait();
}

#[carom::test]
fn bounded_semaphore_whose_two_holders_were_killed() -> carom::Result<()> {
    let _watchdog = watchdog();
    let (slots, never) = (BoundedSemaphore::new(2)?, Event::new()?);
    for round in 1..4 {
        let start = || Process::spawn(keep, (slots.clone(), RawValue::new(0).expect("memory"), never.clone()));
        let holders = [start()?, start()?];
        eventually("both have one", || slots.holders().len() == 2);
        assert!(slots.try_acquire().is_none());
        for holder in &holders {
            killed(holder);
        }
        let both = [slots.acquire(), slots.acquire_timeout(Duration::MAX).expect("there is one")];
        assert_eq!((slots.available(), slots.recovered()), (0, 2 * round));
        drop(both);
    }
    assert_eq!((slots.available(), slots.release().is_err()), (2, true));
    Ok(())
}
