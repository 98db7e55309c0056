//! What is done with a semaphore.

use std::mem::forget;
use std::time::Duration;

use carom::{BoundedSemaphore, Permit, RawValue, Semaphore};
use carom_step_kill::{
    Bystander, Fault, Found, Kill, Kind, Operation, PATIENCE, Run, begin, end, fork, is_asleep, reap,
};

use super::victim::Victim;

/// Nobody gives a permit back in this time, and one who is stepped through comes to sleep.
const SHORT: Duration = Duration::from_millis(5);

/// A semaphore, and who has to do with it.
pub(crate) struct Subject {
    /// Others who wait for a permit, and give it back at once.
    waiters: Vec<Bystander>,
    /// One who has a permit.
    holder: Option<Bystander>,
    /// Tells it to give it back.
    release: RawValue<u32>,
    semaphore: Semaphore,
    victim: Victim,
    /// Used for nothing but to find out, before, what a process finds out once.
    other: BoundedSemaphore,
}

impl Subject {
    /// To be called by the one who will be killed, before it begins.
    fn enter(&self) {
        self.victim.enter();
        drop(self.other.try_acquire());
    }

    /// Waits until all who are to wait do.
    fn see_them_wait(&self) {
        while !self.waiters.iter().all(|waiter| is_asleep(waiter.pid())) {
            std::thread::yield_now();
        }
    }

    fn awaited_by(mut self, count: usize) -> Self {
        let waiter = |_| {
            Bystander::asleep(|| {
                drop(self.semaphore.acquire());
                0
            })
        };
        self.waiters = (0..count).map(waiter).collect();
        self
    }
}

fn with(permits: u32) -> Subject {
    let semaphore = Semaphore::new(permits).expect("memory");
    let other = BoundedSemaphore::new(1).expect("memory");
    let release = RawValue::new(0).expect("memory");
    Subject { waiters: Vec::new(), holder: None, release, semaphore, victim: Victim::new(), other }
}

fn two_free() -> Subject {
    with(2)
}

fn none() -> Subject {
    with(0)
}

fn none_and_one_waits() -> Subject {
    with(0).awaited_by(1)
}

fn none_and_two_wait() -> Subject {
    with(0).awaited_by(2)
}

/// One permit, and one who waits as soon as it is taken.
fn one_waits_for_it() -> Subject {
    wait_for_it(1)
}

fn two_wait_for_it() -> Subject {
    wait_for_it(2)
}

fn wait_for_it(count: usize) -> Subject {
    let mut subject = with(1);
    let waiter = |_| {
        Bystander::start(|| {
            // without sleeping
            while subject.semaphore.holders().is_empty() || !subject.victim.is_known() {
                std::thread::yield_now();
            }
            drop(subject.semaphore.acquire());
            0
        })
    };
    subject.waiters = (0..count).map(waiter).collect();
    subject
}

/// One permit, which was not there from the beginning.
fn added() -> Subject {
    let subject = with(0);
    subject.semaphore.release(1);
    subject
}

/// A process that had the only permit died.
fn orphaned() -> Subject {
    let subject = with(1);
    let pid = fork(|| forget(subject.semaphore.acquire()));
    assert!(reap(pid), "the process that should have died with the permit");
    subject
}

/// The only permit is another's, who keeps it.
fn held() -> Subject {
    held_until(|_| false)
}

fn held_and_one_waits() -> Subject {
    held().awaited_by(1)
}

/// The only permit is another's, until the one who will be killed sleeps.
fn held_until_waited_for() -> Subject {
    held_until(|subject| subject.victim.sleeps())
}

fn held_until(moment: fn(&Subject) -> bool) -> Subject {
    let mut subject = with(1);
    let holder = Bystander::start(|| {
        let permit = subject.semaphore.acquire();
        while subject.release.load() == 0 && !moment(&subject) {
            std::thread::sleep(Duration::from_micros(50));
        }
        drop(permit);
        0
    });
    while subject.semaphore.available() != 0 {
        std::thread::yield_now();
    }
    subject.holder = Some(holder);
    subject
}

/// How many permits there were before the operation, and are after it.
fn survive(subject: Subject, kill: &Kill, before: u32, after: u32) -> Result<Found, Fault> {
    let Subject { mut waiters, holder, release, semaphore, .. } = subject;
    release.store(1);
    if let Some(mut holder) = holder {
        holder.outcome("the holder does not give its permit back")?;
    }
    let all = || semaphore.available() + semaphore.holders().len() as u32;
    let mut added = 0;
    if before == 0 && !waiters.is_empty() && !kill.finished && all() == 0 {
        // which one of those who wait may just have given back
        added = 1;
        semaphore.release(1);
    }
    for waiter in &mut waiters {
        waiter.outcome("one who waited sleeps on, though there is a permit, or one that comes back")?;
    }
    // what the dead have comes back
    let permits = all();
    let is_one_of_both = permits == before + added || permits == after + added;
    Kind::Torn.unless(is_one_of_both, "there are neither as many permits as before nor as after")?;
    Kind::Lost.unless(!kill.finished || permits == after + added, "what was done is not there")?;

    let acquire = |lost| semaphore.acquire_timeout(PATIENCE).ok_or_else(|| Kind::Lost.fault(lost));
    let got: Result<Vec<Permit<'_>>, Fault> = (0..permits).map(|_| acquire("a permit does not come back")).collect();
    let mut got = got?;
    Kind::Doubled.unless(semaphore.try_acquire().is_none(), "there is one permit too many")?;
    let own = std::process::id();
    Kind::Untrue.unless(semaphore.holders() == vec![own; got.len()], "others are said to have permits")?;
    // and all goes on
    semaphore.release(1);
    got.push(acquire("a permit that a survivor added is not there")?);
    let mut late = Bystander::asleep(|| {
        drop(semaphore.acquire());
        0
    });
    drop(got);
    late.outcome("a new waiter does not get a permit")?;
    Kind::Leaked.unless(semaphore.available() == permits + 1, "not all permits are free after all")?;
    Ok(Found::Nothing)
}

pub(super) fn operations() -> [Operation<Subject>; 16] {
    let operation = |name, state, arrange, run, survive| Operation {
        object: "Semaphore",
        name,
        state,
        sleeps: false,
        ends: 200,
        arrange,
        run: Run::Copy(run),
        survive,
    };
    let acquire: fn(&Subject) = |subject| {
        subject.enter();
        begin();
        drop(subject.semaphore.acquire());
        end();
    };
    let release: fn(&Subject) = |subject| {
        begin();
        subject.semaphore.release(1);
        end();
    };
    let give: fn(&Subject) = |subject| {
        subject.enter();
        let permit = subject.semaphore.acquire();
        subject.see_them_wait();
        begin();
        drop(permit);
        end();
    };
    [
        operation("acquire, give back", "two permits", two_free, acquire, |s, kill| survive(s, kill, 2, 2)),
        operation(
            "try_acquire, give back",
            "two permits",
            two_free,
            |subject| {
                subject.enter();
                begin();
                drop(subject.semaphore.try_acquire());
                end();
            },
            |s, kill| survive(s, kill, 2, 2),
        ),
        operation(
            "acquire, forget",
            "two permits",
            two_free,
            |subject| {
                subject.enter();
                begin();
                subject.semaphore.acquire().forget();
                end();
            },
            |s, kill| survive(s, kill, 2, 1),
        ),
        operation(
            "try_acquire",
            "held by another",
            held,
            |subject| {
                subject.enter();
                begin();
                assert!(subject.semaphore.try_acquire().is_none());
                end();
            },
            |s, kill| survive(s, kill, 1, 1),
        ),
        operation(
            "acquire_timeout",
            "held by another",
            held,
            |subject| {
                subject.enter();
                begin();
                assert!(subject.semaphore.acquire_timeout(SHORT).is_none());
                end();
            },
            |s, kill| survive(s, kill, 1, 1),
        ),
        Operation {
            sleeps: true,
            ..operation("acquire", "held by another, and kept", held, acquire, |s, kill| survive(s, kill, 1, 1))
        },
        Operation {
            sleeps: true,
            ..operation("acquire", "held by another, and one waits", held_and_one_waits, acquire, |s, kill| {
                survive(s, kill, 1, 1)
            })
        },
        operation("acquire, give back", "held by another, given back", held_until_waited_for, acquire, |s, kill| {
            survive(s, kill, 1, 1)
        }),
        operation("acquire, give back", "holder died", orphaned, acquire, |s, kill| survive(s, kill, 1, 1)),
        operation("give back", "one waits", one_waits_for_it, give, |s, kill| survive(s, kill, 1, 1)),
        operation("give back", "two wait", two_wait_for_it, give, |s, kill| survive(s, kill, 1, 1)),
        operation("release", "no permit", none, release, |s, kill| survive(s, kill, 0, 1)),
        operation("release", "no permit, one waits", none_and_one_waits, release, |s, kill| survive(s, kill, 0, 1)),
        operation("release", "no permit, two wait", none_and_two_wait, release, |s, kill| survive(s, kill, 0, 1)),
        operation(
            "release of five",
            "two permits",
            two_free,
            |subject| {
                begin();
                subject.semaphore.release(5);
                end();
            },
            |s, kill| survive(s, kill, 2, 7),
        ),
        operation("acquire, give back", "one permit that was added", added, acquire, |s, kill| survive(s, kill, 1, 1)),
    ]
}
