//! Processes that change the two numbers of a value, which are equal whenever nobody has the lock.

use std::time::Duration;

use carom::{Guard, LockTimeoutError, RawValue, TryLockError, Value};
use carom_step_kill::{Fault, Kind, PATIENCE, Part, Role, Scene};

#[derive(Clone)]
struct Stage {
    numbers: Value<[u64; 2]>,
    /// How often the numbers were changed, counted under the lock.
    changes: RawValue<u64>,
    /// Who has the lock.
    inside: RawValue<u32>,
}

/// For so long somebody has the lock at most, in microseconds, and so long nobody who had it comes back.
const HELD: u64 = 60;
const AWAY: u64 = 100;
/// For so long one repairs at most.
const REPAIR: u64 = 200;

impl Stage {
    /// Changes both numbers, and says before and after that nobody else does.
    fn change(&self, mut guard: Guard<'_, [u64; 2]>, part: &mut Part) -> Result<(), Fault> {
        let other = self.inside.load();
        Kind::Doubled.unless(other == 0, "the lock was given out while another process had it")?;
        Kind::Torn.unless(guard[0] == guard[1], "half of a change is there, and nobody is told")?;
        Kind::Lost.unless(guard[0] == self.changes.load(), "a change is not there")?;
        self.inside.store(std::process::id());
        guard[0] += 1;
        part.work(HELD);
        guard[1] += 1;
        self.changes.store(guard[1]);
        self.inside.store(0);
        Ok(())
    }

    /// Makes the numbers equal again, after somebody died.
    fn repair(&self, mut guard: Guard<'_, [u64; 2]>, part: &mut Part) {
        part.recover(|part| {
            let most = guard[0].max(guard[1]).max(self.changes.load());
            guard[0] = most;
            part.work(REPAIR);
            guard[1] = most;
            self.changes.store(most);
            self.inside.store(0);
        });
    }

    /// Takes the lock as long as that lasts.
    fn hammer(&self, part: &mut Part) -> Result<(), Fault> {
        match self.numbers.lock() {
            Ok(guard) => self.change(guard, part)?,
            Err(died) => self.repair(died.into_guard(), part),
        }
        part.rest(AWAY);
        Ok(())
    }

    /// Takes the lock if it can be had soon.
    fn try_it(&self, part: &mut Part) -> Result<(), Fault> {
        match self.numbers.try_lock() {
            Ok(guard) => self.change(guard, part)?,
            Err(TryLockError::OwnerDied(died)) => self.repair(died.into_guard(), part),
            Err(TryLockError::WouldBlock) => {}
        }
        match self.numbers.lock_timeout(Duration::from_micros(part.seed.below(AWAY))) {
            Ok(guard) => self.change(guard, part)?,
            Err(LockTimeoutError::OwnerDied(died)) => self.repair(died.into_guard(), part),
            Err(LockTimeoutError::Timeout) => {}
        }
        part.rest(AWAY);
        Ok(())
    }

    /// When nobody is left.
    fn check(&self) -> Result<(), Fault> {
        let guard = match self.numbers.lock_timeout(PATIENCE) {
            Ok(guard) => {
                Kind::Torn.unless(guard[0] == guard[1], "half of a change is left, and nobody is told")?;
                guard
            }
            Err(LockTimeoutError::OwnerDied(died)) => died.into_guard(),
            Err(LockTimeoutError::Timeout) => return Err(Kind::Hang.fault("nobody is left, and the lock is held")),
        };
        drop(guard);
        Kind::Leaked.unless(self.numbers.as_lock().owner().is_none(), "the lock is left locked")
    }
}

pub(super) fn scene() -> Scene {
    let stage = Stage {
        numbers: Value::new([0; 2]).expect("memory"),
        changes: RawValue::new(0).expect("memory"),
        inside: RawValue::new(0).expect("memory"),
    };
    let (hammer, try_it) = (stage.clone(), stage.clone());
    Scene {
        name: "Value",
        roles: vec![
            Role { name: "lock", players: 3, round: Box::new(move |part| hammer.hammer(part)) },
            Role { name: "try_lock, lock_timeout", players: 1, round: Box::new(move |part| try_it.try_it(part)) },
        ],
        check: Box::new(move || stage.check()),
    }
}
