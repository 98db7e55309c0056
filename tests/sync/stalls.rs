//! Processes that are stopped while others go on, and one that is killed in the midst of waking others.
use carom::{Barrier, BrokenBarrier, Condition, Event, Process, RawValue, Semaphore, Value};

use crate::common::{eventually, own_tid, until_it_waits, watchdog};
use crate::stage::{asleep, joined, killed, resume, stop, until_waiting};

/// Waits for a permit, and gives it back.
#[carom::task]
fn pass(permits: Semaphore, tid: RawValue<u32>) {
    tid.store(own_tid());
    drop(permits.acquire());
}

#[carom::test]
fn permits_go_past_one_that_is_stopped() -> carom::Result<()> {
    let _watchdog = watchdog();
    let permits = Semaphore::new(0)?;
    // the first one sleeps on the word, and the others wait for it
    let first = asleep(pass, permits.clone())?;
    let others = [asleep(pass, permits.clone())?, asleep(pass, permits.clone())?];
    stop(&first);
    permits.release(1);
    others.iter().for_each(joined);
    drop(permits.acquire());
    assert!(first.is_alive());
    resume(&first);
    joined(&first);
    assert_eq!(permits.available(), 1);
    Ok(())
}

#[carom::test]
fn one_that_was_stopped_before_the_only_permit_was_taken_gets_the_next_one() -> carom::Result<()> {
    let _watchdog = watchdog();
    let permits = Semaphore::new(0)?;
    for _ in 0..3 {
        let first = asleep(pass, permits.clone())?;
        stop(&first);
        // it is woken in vain
        permits.release(1);
        permits.acquire().forget();
        resume(&first);
        until_it_waits(first.pid());
        permits.release(1);
        joined(&first);
        permits.acquire().forget();
    }
    Ok(())
}

#[carom::task]
fn wait_until_it_is(value: Value<u64>, number: u64, changed: Condition) {
    drop(changed.wait_for(value.lock().expect("whole"), |value| **value == number).expect("whole"));
}

#[carom::test]
fn those_who_are_notified_go_past_one_that_is_stopped() -> carom::Result<()> {
    let _watchdog = watchdog();
    let (value, changed) = (Value::new(0)?, Condition::new()?);
    let mut processes = Vec::new();
    for count in 1..=3 {
        processes.push(Process::spawn(wait_until_it_is, (value.clone(), 1, changed.clone()))?);
        until_waiting(&changed, count);
    }
    stop(&processes[0]);
    *value.lock()? = 1;
    changed.notify(2);
    joined(&processes[1]);
    // what it was given stays its own, because it lives
    assert_eq!(changed.waiting(), [processes[2].pid()]);
    changed.notify_all();
    joined(&processes[2]);
    resume(&processes[0]);
    joined(&processes[0]);
    Ok(())
}

#[carom::task]
fn wait_for_event(event: Event, tid: RawValue<u32>) {
    tid.store(own_tid());
    event.wait();
}

#[carom::test]
fn one_that_was_stopped_while_an_event_was_set_sees_that_it_was() -> carom::Result<()> {
    let _watchdog = watchdog();
    let event = Event::new()?;
    let [stopped, other] = [asleep(wait_for_event, event.clone())?, asleep(wait_for_event, event.clone())?];
    stop(&stopped);
    event.set();
    joined(&other);
    event.clear();
    resume(&stopped);
    joined(&stopped);
    Ok(())
}

#[carom::task]
fn meet(barrier: Barrier) -> Result<(), BrokenBarrier> {
    barrier.wait()?;
    Ok(())
}

#[carom::test]
fn a_round_is_over_without_one_that_is_stopped_in_it_and_the_next_one_is_not() -> carom::Result<()> {
    let _watchdog = watchdog();
    let barrier = Barrier::new(2)?;
    let party = Process::spawn(meet, barrier.clone())?;
    eventually("it waits", || barrier.n_waiting() == 1);
    until_it_waits(party.pid());
    stop(&party);
    assert_eq!(barrier.wait(), Ok(1));
    let time = std::time::Duration::from_millis(300);
    assert_eq!(barrier.wait_timeout(time), Err(BrokenBarrier::TimedOut));
    resume(&party);
    joined(&party);
    Ok(())
}

/// Changes the number and notifies for ever.
#[carom::task]
fn notify_for_ever(value: Value<u64>, changed: Condition) {
    let mut guard = value.lock().unwrap_or_else(carom::OwnerDied::into_guard);
    loop {
        *guard += 1;
        changed.notify(1);
        drop(guard);
        changed.notify_all();
        guard = value.lock().unwrap_or_else(carom::OwnerDied::into_guard);
    }
}

/// Counts how often it saw another number.
#[carom::task]
fn see_changes(value: Value<u64>, changed: Condition, seen: RawValue<u64>) {
    for count in 1.. {
        let mut guard = value.lock().unwrap_or_else(carom::OwnerDied::into_guard);
        let before = *guard;
        while *guard == before {
            guard = changed.wait(guard).unwrap_or_else(carom::OwnerDied::into_guard);
        }
        drop(guard);
        seen.store(count);
    }
}

#[carom::test]
fn who_is_killed_while_it_notifies_leaves_a_condition_that_works() -> carom::Result<()> {
    let _watchdog = watchdog();
    let (value, changed) = (Value::new(0)?, Condition::new()?);
    let seen = [RawValue::new(0)?, RawValue::new(0)?, RawValue::new(0)?];
    let mut waiters = Vec::new();
    for seen in &seen {
        waiters.push(Process::spawn(see_changes, (value.clone(), changed.clone(), seen.clone()))?);
    }
    for _ in 0..50 {
        let notifier = Process::spawn(notify_for_ever, (value.clone(), changed.clone()))?;
        let before = seen.each_ref().map(RawValue::load);
        eventually("all see changes", || seen.iter().zip(before).all(|(seen, before)| seen.load() > before));
        killed(&notifier);
    }
    for waiter in &waiters {
        killed(waiter);
    }
    eventually("nobody is left", || {
        let guard = value.lock().unwrap_or_else(carom::OwnerDied::into_guard);
        drop(changed.wait_timeout(guard, std::time::Duration::from_millis(300)).expect("repaired"));
        changed.waiting().is_empty()
    });
    Ok(())
}
