//! What is done with a condition.

use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::{Duration, Instant};

use carom::{Condition, RawValue, Value};
use carom_step_kill::{Bystander, Fault, Found, Kill, Kind, Operation, PATIENCE, Run, begin, end, is_asleep};

use super::victim::Victim;

/// Nobody notifies in this time, and one who is stepped through comes to sleep.
const SHORT: Duration = Duration::from_millis(5);

/// A condition, and who waits at it.
pub(crate) struct Subject {
    waiters: Vec<Bystander>,
    condition: Condition,
    /// What is waited for, under the lock.
    ready: Value<u32>,
    /// How many of the others have been notified, and come back.
    back: RawValue<AtomicU32>,
    victim: Victim,
    /// Used for nothing but to find out, before, what a process finds out once.
    other: Condition,
}

impl Subject {
    fn enter(&self) {
        let lock = Value::new(0).expect("memory");
        let waited = self.other.wait_timeout(lock.lock().expect("nobody died yet"), Duration::ZERO);
        assert!(waited.is_ok_and(|(_, notified)| !notified));
        self.victim.enter();
    }

    /// One who waits until it is notified, once.
    fn wait(&self) -> u8 {
        // who died with the lock is no matter here
        let guard = self.ready.lock().unwrap_or_else(|died| died.into_guard());
        drop(self.condition.wait(guard).unwrap_or_else(|died| died.into_guard()));
        self.back.fetch_add(1, SeqCst);
        0
    }

    fn see_wait(&self, count: usize) {
        while self.condition.waiting().len() < count || !self.waiters.iter().all(|waiter| is_asleep(waiter.pid())) {
            std::thread::yield_now();
        }
    }
}

fn awaited_by(count: usize) -> Subject {
    let mut subject = Subject {
        waiters: Vec::new(),
        condition: Condition::new().expect("memory"),
        ready: Value::new(0).expect("memory"),
        back: RawValue::new(AtomicU32::new(0)).expect("memory"),
        victim: Victim::new(),
        other: Condition::new().expect("memory"),
    };
    for i in 0..count {
        let waiter = Bystander::asleep(|| subject.wait());
        subject.waiters.push(waiter);
        subject.see_wait(i + 1);
    }
    subject
}

fn alone() -> Subject {
    awaited_by(0)
}

fn one_waits() -> Subject {
    awaited_by(1)
}

fn two_wait() -> Subject {
    awaited_by(2)
}

/// Two wait, of whom the first was killed.
fn first_of_two_died() -> Subject {
    let mut subject = awaited_by(2);
    drop(subject.waiters.remove(0));
    subject
}

/// One waits, and notifies one other when it is told to, which is when the one who will be killed sleeps.
fn notified_when_waiting() -> Subject {
    let mut subject = alone();
    let notifier = Bystander::start(|| {
        while !subject.victim.sleeps() || subject.condition.waiting().is_empty() {
            std::thread::sleep(Duration::from_micros(50));
        }
        subject.condition.notify(1);
        0
    });
    subject.waiters.push(notifier);
    subject
}

/// So many of those who wait must have been notified, if the operation is done.
fn survive(subject: Subject, kill: &Kill, notified: usize) -> Result<Found, Fault> {
    let Subject { mut waiters, condition, ready, back, .. } = subject;
    if kill.finished {
        // the others wait for longer than it takes to look by themselves
        let deadline = Instant::now() + PATIENCE;
        while (back.load(SeqCst) as usize) < notified {
            Kind::Hang.unless(Instant::now() < deadline, "one who was notified sleeps on")?;
            std::thread::sleep(Duration::from_micros(50));
        }
    }
    live_on(&condition, &ready, &mut waiters)
}

/// Whoever is left uses the condition.
fn live_on(condition: &Condition, ready: &Value<u32>, waiters: &mut [Bystander]) -> Result<Found, Fault> {
    condition.notify_all();
    for waiter in waiters {
        waiter.outcome("one who waited is not woken by a survivor")?;
    }
    let locked = |result: Result<_, carom::LockTimeoutError<_>>| match result {
        Ok(guard) => Ok((guard, Found::Nothing)),
        Err(carom::LockTimeoutError::OwnerDied(died)) => {
            let found = died.pid().map_or(Found::Death, Found::DeathOf);
            Ok((died.into_guard(), found))
        }
        Err(carom::LockTimeoutError::Timeout) => Err(Kind::Hang.fault("nobody gets the lock")),
    };
    let (guard, found) = locked(ready.lock_timeout(PATIENCE))?;
    drop(guard);
    let mut late = Bystander::asleep(|| {
        let guard = ready.lock().expect("it was repaired");
        u8::from(condition.wait(guard).is_err())
    });
    // asleep with the lock released, and in line
    while !condition.waiting().contains(&late.pid()) {
        std::thread::yield_now();
    }
    condition.notify(1);
    let told = late.outcome("a new waiter is not woken, though one was notified")?;
    Kind::Doubled.unless(told == 0, "a death is told again, though somebody repaired it")?;
    Kind::Leaked.unless(condition.waiting().is_empty(), "one is said to wait who does not")?;
    Ok(found)
}

pub(super) fn operations() -> [Operation<Subject>; 9] {
    let operation = |name, state, arrange, run, survive| Operation {
        object: "Condition",
        name,
        state,
        sleeps: false,
        ends: 300,
        arrange,
        run: Run::Copy(run),
        survive,
    };
    let notify: fn(&Subject) = |subject| {
        begin();
        subject.condition.notify(1);
        end();
    };
    let notify_all: fn(&Subject) = |subject| {
        begin();
        subject.condition.notify_all();
        end();
    };
    let wait: fn(&Subject) = |subject| {
        subject.enter();
        let guard = subject.ready.lock().unwrap_or_else(|died| died.into_guard());
        begin();
        drop(subject.condition.wait(guard));
        end();
    };
    [
        operation("notify", "nobody waits", alone, notify, |s, kill| survive(s, kill, 0)),
        operation("notify", "one waits", one_waits, notify, |s, kill| survive(s, kill, 1)),
        operation("notify", "two wait", two_wait, notify, |s, kill| survive(s, kill, 1)),
        operation("notify", "two wait, the first was killed", first_of_two_died, notify, |s, kill| survive(s, kill, 1)),
        operation("notify_all", "one waits", one_waits, notify_all, |s, kill| survive(s, kill, 1)),
        operation("notify_all", "two wait", two_wait, notify_all, |s, kill| survive(s, kill, 2)),
        operation(
            "wait_timeout",
            "nobody waits",
            alone,
            |subject| {
                subject.enter();
                let guard = subject.ready.lock().expect("nobody died yet");
                begin();
                let waited = subject.condition.wait_timeout(guard, SHORT);
                end();
                assert!(waited.is_ok_and(|(_, notified)| !notified));
            },
            |s, kill| survive(s, kill, 0),
        ),
        Operation {
            sleeps: true,
            ..operation("wait", "another waits", one_waits, wait, |s, kill| survive(s, kill, 0))
        },
        operation("wait", "notified meanwhile", notified_when_waiting, wait, |mut s, kill| {
            // it waits for one who is killed
            s.waiters.clear();
            survive(s, kill, 0)
        }),
    ]
}
