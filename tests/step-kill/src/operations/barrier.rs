//! What is done with a barrier.

use std::time::Duration;

use carom::{Barrier, BrokenBarrier};
use carom_step_kill::{Bystander, Fault, Found, Kill, Kind, Operation, Run, begin, end};

/// Nobody comes in this time, and one who is stepped through comes to sleep.
const SHORT: Duration = Duration::from_millis(5);

/// A barrier, and who waits there.
pub(crate) struct Subject {
    waiters: Vec<Bystander>,
    barrier: Barrier,
    /// Used for nothing but to find out, before, what a process finds out once.
    other: Barrier,
}

/// What one who waited ends with.
const MET: u8 = 0;
const BROKEN: u8 = 1;

fn wait(barrier: &Barrier) -> u8 {
    match barrier.wait() {
        Ok(_) => MET,
        Err(_) => BROKEN,
    }
}

fn with(parties: u32, waiting: usize) -> Subject {
    let barrier = Barrier::new(parties).expect("memory");
    let waiters = (0..waiting).map(|_| Bystander::asleep(|| wait(&barrier))).collect();
    Subject { waiters, barrier, other: Barrier::new(1).expect("memory") }
}

fn for_one() -> Subject {
    with(1, 0)
}

fn nobody_of_two() -> Subject {
    with(2, 0)
}

fn one_of_two() -> Subject {
    with(2, 1)
}

fn one_of_three() -> Subject {
    with(3, 1)
}

fn two_of_three() -> Subject {
    with(3, 2)
}

fn broken() -> Subject {
    let subject = with(2, 0);
    subject.barrier.abort();
    subject
}

/// What those who waited may be told.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    /// That all have met, if the operation is done; otherwise either, and all of them the same.
    Met,
    /// That the round is broken, now or when one more comes for whom there is no other.
    Broken,
}

fn survive(subject: Subject, kill: &Kill, told: Told) -> Result<Found, Fault> {
    let Subject { mut waiters, barrier, .. } = subject;
    if !kill.finished && barrier.waiting().contains(&kill.pid) {
        // those who wait find out by themselves that one of them is dead
        for waiter in &mut waiters {
            waiter.outcome("one who waits for a dead one is not told")?;
        }
    }
    if kill.finished && told == Told::Met {
        for waiter in &mut waiters {
            let outcome = waiter.outcome("one who waited sleeps on, though all have met")?;
            Kind::Lost.unless(outcome == MET, "all have met, and one is told otherwise")?;
        }
    } else if !waiters.is_empty() {
        // one who was killed before it came is not known
        barrier.abort();
        let mut met = 0;
        for waiter in &mut waiters {
            met += usize::from(waiter.outcome("one who waited sleeps on, though the round is broken")? == MET);
        }
        Kind::Torn.unless(met == 0 || met == waiters.len(), "some have met, and the others are told otherwise")?;
        Kind::Untrue.unless(met == 0 || told == Told::Met, "some are told that all have met, and they have not")?;
    } else {
        come_alone(&barrier)?;
    }
    live_on(&barrier)
}

/// One more comes, who must not wait for ever for one who died there.
fn come_alone(barrier: &Barrier) -> Result<(), Fault> {
    if barrier.n_waiting() == 0 {
        return Ok(());
    }
    let mut late = Bystander::start(|| wait(barrier));
    late.outcome("one who comes after one who died there sleeps on").map(drop)
}

/// Whoever is left uses the barrier.
fn live_on(barrier: &Barrier) -> Result<Found, Fault> {
    barrier.reset();
    Kind::Lost.unless(!barrier.is_broken() && barrier.n_waiting() == 0, "it is not new after a reset")?;
    for _ in 0..2 {
        let mut all: Vec<_> = (0..barrier.parties()).map(|_| Bystander::start(|| wait(barrier))).collect();
        for party in &mut all {
            let outcome = party.outcome("new parties do not meet")?;
            Kind::Lost.unless(outcome == MET, "new parties are told that the round is broken")?;
        }
    }
    Kind::Leaked.unless(barrier.n_waiting() == 0, "one is said to wait who does not")?;
    Ok(Found::Nothing)
}

pub(super) fn operations() -> [Operation<Subject>; 9] {
    let operation = |name, state, arrange, run, survive| Operation {
        object: "Barrier",
        name,
        state,
        sleeps: false,
        ends: 300,
        arrange,
        run: Run::Copy(run),
        survive,
    };
    let come: fn(&Subject) = |subject| {
        let _ = subject.other.wait();
        begin();
        let _ = subject.barrier.wait();
        end();
    };
    let abort: fn(&Subject) = |subject| {
        begin();
        subject.barrier.abort();
        end();
    };
    let reset: fn(&Subject) = |subject| {
        begin();
        subject.barrier.reset();
        end();
    };
    [
        operation("wait", "for one party", for_one, come, |s, kill| survive(s, kill, Told::Met)),
        operation("wait", "as the last of two", one_of_two, come, |s, kill| survive(s, kill, Told::Met)),
        operation("wait", "as the last of three", two_of_three, come, |s, kill| survive(s, kill, Told::Met)),
        Operation {
            sleeps: true,
            ..operation("wait", "as the second of three", one_of_three, come, |s, kill| survive(s, kill, Told::Broken))
        },
        operation(
            "wait_timeout",
            "as the first of two",
            nobody_of_two,
            |subject| {
                let _ = subject.other.wait();
                begin();
                let outcome = subject.barrier.wait_timeout(SHORT);
                end();
                assert_eq!(outcome, Err(BrokenBarrier::TimedOut));
            },
            |s, kill| survive(s, kill, Told::Broken),
        ),
        operation("abort", "nobody of two waits", nobody_of_two, abort, |s, kill| survive(s, kill, Told::Broken)),
        operation("abort", "two of three wait", two_of_three, abort, |s, kill| survive(s, kill, Told::Broken)),
        operation("reset", "broken", broken, reset, |s, kill| survive(s, kill, Told::Broken)),
        operation("reset", "two of three wait", two_of_three, reset, |s, kill| survive(s, kill, Told::Broken)),
    ]
}
