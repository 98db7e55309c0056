//! What is done with a lock.

use std::time::Duration;

use carom::{Lock, LockGuard, LockTimeoutError, OwnerDied};
use carom_step_kill::{Operation, Run, begin, end};

use super::subject::{self, OLD, Subject};
use super::survivor::{Told, survive, survive_together};

/// Holders keep it for longer.
const SHORT: Duration = Duration::from_millis(5);
const LONG: Duration = Duration::from_secs(5);

fn locked(lock: &Lock) -> LockGuard<'_> {
    lock.lock().expect("nobody died yet")
}

fn repair(subject: &Subject, died: OwnerDied<LockGuard<'_>>) {
    *subject.value.borrow_mut(&mut died.into_guard()) = OLD;
}

pub(super) fn operations() -> [Operation<Subject>; 17] {
    let operation = |name, state, arrange, run| Operation {
        object: "Lock",
        name,
        state,
        sleeps: false,
        ends: usize::MAX,
        arrange,
        run: Run::Copy(run),
        survive: |subject: Subject, kill| survive(subject, kill, Told::IfHeld, None),
    };
    let told_always = |name, arrange, run| Operation {
        survive: |subject, kill| survive(subject, kill, Told::Always, None),
        ..operation(name, "owner died", arrange, run)
    };
    let together = |name, state, arrange, run| Operation {
        survive: |subject: Subject, kill| survive_together(subject, kill, None),
        ..operation(name, state, arrange, run)
    };
    [
        operation("lock, unlock", "free", subject::free, |subject| {
            let lock = subject.value.as_lock();
            begin();
            drop(lock.lock());
            end();
        }),
        operation("lock, unlock", "held, and released", subject::held_until_waited_for, |subject| {
            let lock = subject.value.as_lock();
            begin();
            drop(lock.lock());
            end();
        }),
        operation("lock, unlock", "free, and another is held", subject::free, |subject| {
            let other = Lock::new().expect("memory");
            let guard = locked(&other);
            begin();
            drop(subject.value.as_lock().lock());
            end();
            drop(guard);
        }),
        operation("unlock", "held by the one killed", subject::free, |subject| {
            let guard = locked(subject.value.as_lock());
            begin();
            drop(guard);
            end();
        }),
        operation("try_lock, unlock", "free", subject::free, |subject| {
            let lock = subject.value.as_lock();
            begin();
            drop(lock.try_lock());
            end();
        }),
        operation("try_lock", "held", subject::held, |subject| {
            let lock = subject.value.as_lock();
            begin();
            assert!(lock.try_lock().is_err());
            end();
        }),
        operation("lock_timeout, unlock", "free", subject::free, |subject| {
            let lock = subject.value.as_lock();
            begin();
            drop(lock.lock_timeout(LONG));
            end();
        }),
        operation("lock_timeout", "held", subject::held, |subject| {
            let lock = subject.value.as_lock();
            begin();
            assert!(lock.lock_timeout(SHORT).is_err());
            end();
        }),
        operation("lock_timeout, unlock", "held, and released", subject::held_until_waited_for, |subject| {
            let lock = subject.value.as_lock();
            begin();
            drop(lock.lock_timeout(LONG));
            end();
        }),
        operation("lock, repair, unlock", "owner died", subject::orphaned, |subject| {
            let lock = subject.value.as_lock();
            begin();
            repair(subject, lock.lock().expect_err("a process died"));
            end();
        }),
        operation("lock_timeout, repair, unlock", "owner died", subject::orphaned, |subject| {
            let lock = subject.value.as_lock();
            begin();
            if let Err(LockTimeoutError::OwnerDied(died)) = lock.lock_timeout(LONG) {
                repair(subject, died);
            }
            end();
        }),
        told_always("lock, unlock", subject::orphaned, |subject| {
            let lock = subject.value.as_lock();
            begin();
            drop(lock.lock().expect_err("a process died"));
            end();
        }),
        told_always("try_lock, unlock", subject::orphaned, |subject| {
            let lock = subject.value.as_lock();
            begin();
            drop(lock.try_lock());
            end();
        }),
        Operation {
            sleeps: true,
            ..operation("lock", "held, and kept", subject::held, |subject| {
                let lock = subject.value.as_lock();
                begin();
                drop(lock.lock());
                end();
            })
        },
        Operation {
            sleeps: true,
            ..together("lock", "held, and two others wait", subject::held_with_a_line, |subject| {
                let lock = subject.value.as_lock();
                begin();
                drop(lock.lock());
                end();
            })
        },
        together("lock, unlock", "held and released, and two wait", subject::held_until_all_wait, |subject| {
            let lock = subject.value.as_lock();
            subject.victim.enter();
            begin();
            drop(lock.lock());
            end();
        }),
        together("unlock", "held by the one killed, two wait", subject::free_with_a_line, |subject| {
            let guard = locked(subject.value.as_lock());
            subject.see_them_wait();
            begin();
            drop(guard);
            end();
        }),
    ]
}
