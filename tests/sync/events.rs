//! A flag that processes wait for.

use std::time::{Duration, Instant};

use carom::{Event, Process, RawValue};

use crate::common::{eventually, own_tid, watchdog};
use crate::stage::{asleep, joined};

#[test]
fn it_is_set_until_it_is_cleared() -> carom::Result<()> {
    let _watchdog = watchdog();
    let event = Event::new()?;
    assert!(!event.is_set());
    assert!(!event.wait_timeout(Duration::ZERO));
    let start = Instant::now();
    assert!(!event.wait_timeout(Duration::from_millis(30)));
    assert!(start.elapsed() >= Duration::from_millis(30));
    event.set();
    event.set();
    event.wait();
    assert!(event.is_set() && event.wait_timeout(Duration::ZERO) && event.wait_timeout(Duration::MAX));
    event.clear();
    event.clear();
    assert!(!event.is_set() && !event.wait_timeout(Duration::ZERO));
    assert_eq!(format!("{event:?}"), "Event { is_set: false }");
    Ok(())
}

/// Tells which thread it is, and waits.
#[carom::task]
fn wait(event: Event, tid: RawValue<u32>) {
    tid.store(own_tid());
    event.wait();
}

fn waiter(event: &Event) -> carom::Result<Process> {
    asleep(wait, event.clone())
}

#[carom::test]
fn all_who_wait_are_woken() -> carom::Result<()> {
    let _watchdog = watchdog();
    let event = Event::new()?;
    let waiters = [waiter(&event)?, waiter(&event)?, waiter(&event)?];
    event.set();
    for waiter in waiters {
        waiter.join()?.exit_ok()?;
    }
    Ok(())
}

#[carom::test]
fn who_waits_does_not_miss_what_is_cleared_at_once() -> carom::Result<()> {
    let _watchdog = watchdog();
    let event = Event::new()?;
    for _ in 0..20 {
        let waiter = waiter(&event)?;
        event.set();
        event.clear();
        waiter.join()?.exit_ok()?;
        assert!(!event.is_set());
    }
    Ok(())
}

#[carom::task]
fn set(event: Event) {
    event.set();
}

#[carom::test]
fn what_a_child_sets_is_seen_here_and_what_is_cleared_here_is_cleared_there() -> carom::Result<()> {
    let _watchdog = watchdog();
    let event = Event::new()?;
    for _ in 0..3 {
        assert!(!event.is_set());
        let process = Process::spawn(set, event.clone())?;
        event.wait();
        assert!(event.is_set());
        assert_eq!(format!("{event:?}"), "Event { is_set: true }");
        joined(&process);
        event.clear();
    }
    Ok(())
}

/// Threads and processes in turn: each sets the event of the next one.
#[carom::task]
fn pass_on(mine: Event, next: Event, rounds: u32) {
    for _ in 0..rounds {
        mine.wait();
        mine.clear();
        next.set();
    }
}

#[carom::test]
fn it_goes_round_between_threads_and_processes() -> carom::Result<()> {
    let _watchdog = watchdog();
    let [one, two, three, last] = [Event::new()?, Event::new()?, Event::new()?, Event::new()?];
    let rounds = 500;
    let process = Process::spawn(pass_on, (one.clone(), two.clone(), rounds))?;
    let another = Process::spawn(pass_on, (three.clone(), last.clone(), rounds))?;
    std::thread::scope(|scope| {
        scope.spawn(|| pass_on(two.clone(), three.clone(), rounds));
        for _ in 0..rounds {
            one.set();
            last.wait();
            last.clear();
        }
    });
    joined(&process);
    joined(&another);
    Ok(())
}

#[carom::test]
fn waiters_that_are_killed_harm_nobody() -> carom::Result<()> {
    let _watchdog = watchdog();
    let event = Event::new()?;
    for _ in 0..20 {
        let (killed, other) = (waiter(&event)?, waiter(&event)?);
        killed.kill()?;
        event.set();
        other.join()?.exit_ok()?;
        event.clear();
        assert_eq!(killed.join()?.signal(), Some(9));
    }
    Ok(())
}

/// Sets and clears it for ever.
#[carom::task]
fn flicker(event: Event, times: RawValue<u64>) {
    for i in 1.. {
        event.set();
        times.store(i);
        event.clear();
    }
}

#[carom::test]
fn who_is_killed_while_it_sets_it_leaves_it_usable() -> carom::Result<()> {
    let _watchdog = watchdog();
    let event = Event::new()?;
    for round in 0..100 {
        let times = RawValue::new(0)?;
        let process = Process::spawn(flicker, (event.clone(), times.clone()))?;
        eventually("it flickers", || times.load() > round);
        process.kill()?;
        assert_eq!(process.join()?.signal(), Some(9));
        event.clear();
        assert!(!event.is_set() && !event.wait_timeout(Duration::ZERO));
        event.set();
        event.wait();
        event.clear();
    }
    Ok(())
}
