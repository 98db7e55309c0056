//! What a survivor must find.

use carom::{LockTimeoutError, OwnerDied};
use carom_step_kill::{Fault, Found, Kill, Kind, PATIENCE};

use super::subject::{FOUND_IT_TORN, NEW, Numbers, OLD, Subject, TOLD_OF_A_DEATH};

/// When it is told that a process died.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    /// If somebody died while the mutex was held, and it has not been released since.
    IfHeld,
    /// In any case, because somebody died before, and nothing was repaired.
    Always,
}

/// Takes the lock, looks at the value, repairs it if it is told to, and looks whether all is as if nothing had been. When the
/// operation was finished, the value is `result`.
pub(crate) fn survive(mut subject: Subject, kill: &Kill, told: Told, result: Option<Numbers>) -> Result<Found, Fault> {
    let holder = subject.holder.take();
    let lock = subject.value.as_lock();
    if let Some(holder) = holder {
        if subject.held_by() == holder.pid && lock.owner() == Some(holder.pid) {
            // it may release the lock meanwhile, and none but it
            let taken = lock.try_lock().map(drop).is_ok();
            Kind::Doubled.unless(!taken || subject.held_by() != holder.pid, "the lock is given out twice")?;
        }
        drop(holder);
    }
    let held = subject.held_by() != 0;
    let expected = held || told == Told::Always;
    let owner = lock.owner();
    let is_known = |pid| pid == kill.pid || Some(pid) == subject.died;
    Kind::Untrue.unless(owner.is_none_or(|pid| held && is_known(pid)), "the owner before is another one")?;

    let found = match subject.value.lock_timeout(PATIENCE) {
        Err(LockTimeoutError::Timeout) => return Err(Kind::Hang.fault("nobody gets the lock")),
        Ok(guard) => {
            Kind::Torn.unless(*guard == OLD || *guard == NEW, "half of a change is there, and nobody is told")?;
            Kind::Lost.unless(!expected, "nobody is told that a process died with the lock")?;
            let done = result.filter(|_| kill.finished);
            Kind::Lost.unless(done.is_none_or(|numbers| *guard == numbers), "what was done is not there")?;
            Kind::Untrue.unless(lock.owner() == Some(std::process::id()), "the owner is not the survivor")?;
            Found::Nothing
        }
        Err(LockTimeoutError::OwnerDied(died)) => {
            Kind::Untrue.unless(expected, "a death is told, though the lock was free")?;
            let is_true = |died: &OwnerDied<_>| !died.panicked() && died.pid().is_none_or(is_known);
            Kind::Untrue.unless(is_true(&died), "another death is told")?;
            Kind::Untrue.unless(lock.owner() == Some(std::process::id()), "the owner is not the survivor")?;
            let found = died.pid().map_or(Found::Death, Found::DeathOf);
            drop(died);
            let Err(again) = subject.value.lock() else {
                return Err(Kind::Lost.fault("the death is told no more, though nothing was repaired"));
            };
            Kind::Untrue.unless(is_true(&again), "another death is told the second time")?;
            *again.into_guard() = OLD;
            found
        }
    };
    match subject.value.lock_timeout(PATIENCE) {
        Ok(guard) => Kind::Torn.unless(*guard == OLD || *guard == NEW, "what was repaired is torn")?,
        Err(LockTimeoutError::OwnerDied(_)) => return Err(Kind::Doubled.fault("the death is told after the repair")),
        Err(LockTimeoutError::Timeout) => return Err(Kind::Hang.fault("nobody gets the lock after the survivor")),
    }
    Kind::Leaked.unless(subject.held_by() == 0 && lock.owner().is_none(), "the lock is left locked")?;
    Ok(found)
}

/// Has those who wait in line take the lock, of which one is told at most, and then looks by itself.
pub(crate) fn survive_together(mut subject: Subject, kill: &Kill, result: Option<Numbers>) -> Result<Found, Fault> {
    drop(subject.holder.take());
    let mut told = 0;
    for mut bystander in std::mem::take(&mut subject.line) {
        let outcome = bystander.outcome("one who waited for the lock does not get it")?;
        Kind::Torn.unless(outcome != FOUND_IT_TORN, "one who waited finds half of a change, and is not told")?;
        told += u32::from(outcome == TOLD_OF_A_DEATH);
    }
    Kind::Doubled.unless(told < 2, "two are told of one death, though the first repaired it")?;
    Kind::Untrue.unless(told == 0 || !kill.finished, "a death is told, though the lock was released before")?;
    let found = survive(subject, kill, Told::IfHeld, result)?;
    Kind::Doubled.unless(found == Found::Nothing, "a death is told again, though somebody else repaired it")?;
    Ok(if told == 0 { Found::Nothing } else { Found::Death })
}
