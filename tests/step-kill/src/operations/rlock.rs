//! What is done with a lock that its holder can take again.

use std::mem::forget;
use std::time::Duration;

use carom::{LockTimeoutError, RLock, RLockGuard, RawValue};
use carom_step_kill::{Bystander, Fault, Found, Kill, Kind, Operation, PATIENCE, Run, begin, end, fork, reap};

use super::victim::Victim;

const SHORT: Duration = Duration::from_millis(5);

/// A lock, and who has to do with it.
pub(crate) struct Subject {
    holder: Option<Bystander>,
    /// Tells the holder to release the lock.
    release: RawValue<u32>,
    lock: RLock,
    /// How often the one who will be killed has it, or fewer.
    inside: RawValue<u32>,
    /// Who will be killed, when it is about to begin.
    victim: Victim,
    /// Who died before.
    died: Option<u32>,
}

fn locked(lock: &RLock) -> RLockGuard<'_> {
    lock.lock().expect("nobody died yet")
}

fn free() -> Subject {
    let word = || RawValue::new(0_u32).expect("memory");
    let lock = RLock::new().expect("memory");
    Subject { holder: None, release: word(), lock, inside: word(), victim: Victim::new(), died: None }
}

/// A process died that had taken it twice.
fn orphaned() -> Subject {
    let mut subject = free();
    let pid = fork(|| forget((locked(&subject.lock), locked(&subject.lock))));
    assert!(reap(pid), "the process that should have died with the lock");
    subject.died = Some(pid);
    subject
}

/// Another process has taken it twice, and keeps it.
fn held() -> Subject {
    held_until(|_| false)
}

/// Another process has taken it twice, until the one who will be killed waits.
fn held_until_waited_for() -> Subject {
    held_until(|subject| subject.victim.sleeps())
}

fn held_until(moment: fn(&Subject) -> bool) -> Subject {
    let mut subject = free();
    let holder = Bystander::start(|| {
        let guards = (locked(&subject.lock), locked(&subject.lock));
        // says that it has both
        subject.inside.store(2);
        while subject.release.load() == 0 && !moment(&subject) {
            std::thread::sleep(Duration::from_micros(50));
        }
        drop(guards);
        0
    });
    while subject.inside.load() == 0 {
        std::thread::yield_now();
    }
    subject.inside.store(0);
    subject.holder = Some(holder);
    subject
}

/// Whether a survivor must be told, where the lock itself does not say whether it was held.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    /// If the one killed had the lock, and not if it had released it.
    IfHeld,
    /// In any case, because it had the lock all the time, or another one died before and nothing is repaired.
    Always,
}

/// Another process tries to take the lock; whether it gets it.
fn is_free_for_others(lock: &RLock) -> Result<bool, Fault> {
    let mut other = Bystander::start(|| match lock.try_lock() {
        Ok(_) => 1,
        Err(carom::TryLockError::WouldBlock) => 0,
        Err(carom::TryLockError::OwnerDied(_)) => 2,
    });
    let outcome = other.outcome("one who only tries does not return")?;
    Kind::Doubled.unless(outcome != 2, "another process is told of a death that was repaired")?;
    Ok(outcome == 1)
}

fn survive(mut subject: Subject, kill: &Kill, told: Told) -> Result<Found, Fault> {
    let lock = &subject.lock;
    if let Some(mut holder) = subject.holder.take() {
        // it may release the lock meanwhile
        let taken = lock.try_lock().map(drop).is_ok();
        Kind::Doubled.unless(!taken || holder.outcome("the holder does not go on")? == 0, "it is given out twice")?;
        subject.release.store(1);
        holder.outcome("the holder does not release the lock")?;
    }
    let is_known = |pid| pid == kill.pid || Some(pid) == subject.died;
    Kind::Untrue.unless(lock.owner().is_none_or(is_known), "the owner before is another one")?;
    let must_tell = told == Told::Always || subject.inside.load() != 0;

    let mut found = Found::Nothing;
    let outer = match lock.lock_timeout(PATIENCE) {
        Err(LockTimeoutError::Timeout) => return Err(Kind::Hang.fault("nobody gets the lock")),
        Ok(guard) => {
            Kind::Lost.unless(!must_tell, "nobody is told that a process died with the lock")?;
            guard
        }
        Err(LockTimeoutError::OwnerDied(died)) => {
            Kind::Untrue.unless(must_tell || !kill.finished, "a death is told, though the lock was released")?;
            Kind::Untrue.unless(died.pid().is_none_or(is_known) && !died.panicked(), "another death is told")?;
            found = died.pid().map_or(Found::Death, Found::DeathOf);
            drop(died);
            Kind::Leaked.unless(lock.owner().is_none(), "it is not free when the one who was told lets it go")?;
            let Err(again) = lock.lock() else {
                return Err(Kind::Lost.fault("the death is told no more, though nothing was repaired"));
            };
            again.into_guard()
        }
    };
    let inner = lock.lock().map_err(|_| Kind::Doubled.fault("a death is told to the one who has the lock"))?;
    drop(inner);
    let is_mine = || lock.owner() == Some(std::process::id());
    Kind::Lost.unless(is_mine(), "it is lost with the inner guard")?;
    Kind::Doubled.unless(!is_free_for_others(lock)?, "another process gets it, though its holder has a guard")?;
    drop(outer);
    Kind::Leaked.unless(lock.owner().is_none(), "it is left locked after the last guard")?;
    Kind::Leaked.unless(is_free_for_others(lock)?, "no other process gets it after the last guard")?;
    Ok(found)
}

pub(super) fn operations() -> [Operation<Subject>; 13] {
    let operation = |name, state, arrange, run| Operation {
        object: "RLock",
        name,
        state,
        sleeps: false,
        ends: usize::MAX,
        arrange,
        run: Run::Copy(run),
        survive: |subject: Subject, kill| survive(subject, kill, Told::IfHeld),
    };
    let told_always = |name, state, arrange, run| Operation {
        survive: |subject, kill| survive(subject, kill, Told::Always),
        ..operation(name, state, arrange, run)
    };
    [
        operation("lock, unlock", "free", free, |subject| {
            begin();
            let guard = subject.lock.lock();
            subject.inside.store(1);
            subject.inside.store(0);
            drop(guard);
            end();
        }),
        operation("lock twice, unlock twice", "free", free, |subject| {
            begin();
            let outer = subject.lock.lock();
            subject.inside.store(1);
            let inner = subject.lock.lock();
            subject.inside.store(2);
            drop(inner);
            subject.inside.store(0);
            drop(outer);
            end();
        }),
        told_always("lock", "held by the one killed", free, |subject| {
            let outer = locked(&subject.lock);
            begin();
            let inner = subject.lock.lock();
            end();
            drop((inner, outer));
        }),
        told_always("unlock the inner", "taken twice by the one killed", free, |subject| {
            let (outer, inner) = (locked(&subject.lock), locked(&subject.lock));
            begin();
            drop(inner);
            end();
            drop(outer);
        }),
        told_always("unlock the outer", "taken twice by the one killed", free, |subject| {
            let (outer, inner) = (locked(&subject.lock), locked(&subject.lock));
            begin();
            drop(outer);
            end();
            drop(inner);
        }),
        operation("unlock the last", "taken twice by the one killed", free, |subject| {
            let (outer, inner) = (locked(&subject.lock), locked(&subject.lock));
            drop(inner);
            begin();
            drop(outer);
            end();
        }),
        operation("try_lock", "taken twice by another", held, |subject| {
            begin();
            assert!(subject.lock.try_lock().is_err());
            end();
        }),
        operation("lock_timeout", "taken twice by another", held, |subject| {
            begin();
            assert!(subject.lock.lock_timeout(SHORT).is_err());
            end();
        }),
        Operation {
            sleeps: true,
            ..operation("lock", "taken twice by another, and kept", held, |subject| {
                begin();
                drop(subject.lock.lock());
                end();
            })
        },
        operation("lock, unlock", "taken twice by another, released", held_until_waited_for, |subject| {
            subject.victim.enter();
            begin();
            drop(subject.lock.lock());
            end();
        }),
        operation("lock, repair, unlock", "owner died who took it twice", orphaned, |subject| {
            let died = |_| unreachable!("the owner died");
            begin();
            let guard = subject.lock.lock().map_or_else(|died| died.into_guard(), died);
            drop(guard);
            end();
        }),
        told_always("lock, unlock", "owner died who took it twice", orphaned, |subject| {
            begin();
            drop(subject.lock.lock().expect_err("a process died"));
            end();
        }),
        told_always("try_lock, unlock", "owner died who took it twice", orphaned, |subject| {
            begin();
            drop(subject.lock.try_lock());
            end();
        }),
    ]
}
