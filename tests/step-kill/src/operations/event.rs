//! What is done with an event.

use std::time::{Duration, Instant};

use carom::{Event, RawValue};
use carom_step_kill::{Bystander, Fault, Found, Kill, Kind, Operation, Run, begin, end};

use super::victim::Victim;

/// Nobody sets an event in this time.
const SHORT: Duration = Duration::from_millis(1);
/// In this time, one who sleeps does not look by itself.
const SOON: Duration = Duration::from_millis(200);
/// In this time, one who is stepped through comes to sleep.
const LONGER: Duration = Duration::from_millis(5);

/// An event, and who waits for it.
pub(crate) struct Subject {
    /// Others who wait for it, and who sets it.
    waiters: Vec<Bystander>,
    event: Event,
    /// Whether it was set in the operation, or maybe before that is told.
    was_set: RawValue<u32>,
    /// Who will be killed, when it is about to begin.
    victim: Victim,
}

fn clear() -> Subject {
    let was_set = RawValue::new(0).expect("memory");
    Subject { waiters: Vec::new(), event: Event::new().expect("memory"), was_set, victim: Victim::new() }
}

fn set() -> Subject {
    let subject = clear();
    subject.event.set();
    subject
}

fn awaited_by(count: usize) -> Subject {
    let mut subject = clear();
    let waiter = |_| {
        Bystander::asleep(|| {
            subject.event.wait();
            0
        })
    };
    subject.waiters = (0..count).map(waiter).collect();
    subject
}

fn awaited() -> Subject {
    awaited_by(1)
}

fn awaited_by_two() -> Subject {
    awaited_by(2)
}

/// It is set, and cleared, while the one who will be killed sleeps.
fn pulsed_when_awaited() -> Subject {
    let mut subject = awaited();
    let pulse = || {
        while !subject.victim.sleeps() {
            std::thread::sleep(Duration::from_micros(50));
        }
        subject.event.set();
        subject.event.clear();
        0
    };
    let setter = Bystander::start(pulse);
    subject.waiters.push(setter);
    subject
}

/// Which is set before and after, if the operation is done.
fn survive(subject: Subject, kill: &Kill, set: [bool; 2]) -> Result<Found, Fault> {
    let Subject { mut waiters, event, was_set, .. } = subject;
    let is_set = event.is_set();
    Kind::Untrue.unless(set.contains(&is_set), "it is set, or is not, as it was at no time")?;
    Kind::Lost.unless(!kill.finished || is_set == set[1], "what was done is not there")?;
    if is_set || was_set.load() != 0 {
        for waiter in &mut waiters {
            waiter.outcome("one who waited sleeps on, though the event was set")?;
        }
    }
    live_on(&event, &mut waiters)?;
    Ok(Found::Nothing)
}

/// Whoever is left uses the event.
fn live_on(event: &Event, waiters: &mut [Bystander]) -> Result<(), Fault> {
    event.set();
    for waiter in waiters {
        waiter.outcome("one who waited is not woken by a survivor")?;
    }
    Kind::Lost.unless(event.is_set() && event.wait_timeout(SHORT), "a survivor set it, and it is not set")?;
    event.clear();
    Kind::Untrue.unless(!event.is_set() && !event.wait_timeout(SHORT), "a survivor cleared it, and it is set")?;
    // a waiter looks by itself after a quarter of a second: one in a few is not woken late because there is much else to do
    let is_woken = (0..5).any(|_| {
        let mut late = Bystander::asleep(|| {
            event.wait();
            0
        });
        let since = Instant::now();
        event.set();
        let outcome = late.outcome("a new waiter is not woken");
        event.clear();
        outcome.is_ok() && since.elapsed() < SOON
    });
    Kind::Lost.unless(is_woken, "new waiters are not woken, but look by themselves")
}

pub(super) fn operations() -> [Operation<Subject>; 12] {
    let operation = |name, state, arrange, run, survive| Operation {
        object: "Event",
        name,
        state,
        sleeps: false,
        ends: usize::MAX,
        arrange,
        run: Run::Copy(run),
        survive,
    };
    let set_it: fn(&Subject) = |subject| {
        begin();
        subject.event.set();
        end();
    };
    let clear_it: fn(&Subject) = |subject| {
        begin();
        subject.event.clear();
        end();
    };
    let pulse: fn(&Subject) = |subject| {
        begin();
        subject.event.set();
        subject.was_set.store(1);
        subject.event.clear();
        end();
    };
    let wait: fn(&Subject) = |subject| {
        subject.victim.enter();
        begin();
        subject.event.wait();
        end();
    };
    let wait_a_while: fn(&Subject) = |subject| {
        begin();
        assert!(!subject.event.wait_timeout(LONGER));
        end();
    };
    [
        operation("set", "clear", clear, set_it, |s, kill| survive(s, kill, [false, true])),
        operation("set", "set", set, set_it, |s, kill| survive(s, kill, [true, true])),
        operation("set", "clear, and one waits", awaited, set_it, |s, kill| survive(s, kill, [false, true])),
        operation("set", "clear, and two wait", awaited_by_two, set_it, |s, kill| survive(s, kill, [false, true])),
        operation("clear", "set", set, clear_it, |s, kill| survive(s, kill, [true, false])),
        operation("clear", "clear, and one waits", awaited, clear_it, |s, kill| survive(s, kill, [false, false])),
        operation("set, clear", "clear, and one waits", awaited, pulse, survive_pulse),
        operation("set, clear", "clear, and two wait", awaited_by_two, pulse, survive_pulse),
        operation("wait", "set", set, wait, |s, kill| survive(s, kill, [true, true])),
        operation("wait_timeout", "clear", clear, wait_a_while, |s, kill| survive(s, kill, [false, false])),
        Operation {
            sleeps: true,
            ..operation("wait", "clear, and another waits", awaited, wait, |s, kill| survive(s, kill, [false, false]))
        },
        operation("wait", "set and cleared meanwhile", pulsed_when_awaited, wait, survive_pulsed),
    ]
}

/// It was set and cleared, or only set, or neither.
fn survive_pulse(subject: Subject, kill: &Kill) -> Result<Found, Fault> {
    let after = !kill.finished && subject.event.is_set();
    survive(subject, kill, [false, after])
}

/// Another one has set and cleared it, or waits to do so.
fn survive_pulsed(mut subject: Subject, kill: &Kill) -> Result<Found, Fault> {
    // it waits for one who is killed
    let setter = subject.waiters.pop();
    let done = setter.is_some_and(|mut setter| setter.ended().is_some());
    subject.was_set.store(done.into());
    if !done {
        subject.event.clear();
    }
    survive(subject, kill, [false, false])
}
