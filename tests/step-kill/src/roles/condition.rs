//! Processes that wait for things that others make.

use carom::{Condition, Guard, LockTimeoutError, OwnerDied, Value};
use carom_step_kill::{Fault, Kind, PATIENCE, Part, Role, Scene};

/// How many things were made, and how many of them taken.
type Things = [u64; 2];

#[derive(Clone)]
struct Stage {
    things: Value<Things>,
    changed: Condition,
}

/// So many are there at most.
const MOST: u64 = 8;

/// How long one is away at most, in microseconds, and how long one repairs.
const AWAY: u64 = 100;
const REPAIR: u64 = 200;

type Locked<'a> = Result<Guard<'a, Things>, OwnerDied<Guard<'a, Things>>>;

impl Stage {
    /// What was to be told may not have been, when its teller died with the lock.
    fn locked<'a>(&self, locked: Locked<'a>, part: &mut Part) -> Guard<'a, Things> {
        locked.unwrap_or_else(|died| {
            let guard = died.into_guard();
            part.recover(|part| {
                part.work(REPAIR);
                self.changed.notify_all();
            });
            guard
        })
    }

    fn make(&self, part: &mut Part) {
        let mut guard = self.locked(self.things.lock(), part);
        if guard[0] - guard[1] < MOST {
            guard[0] += 1;
            // under the lock, because who is killed before is told of
            self.changed.notify(1);
        }
        drop(guard);
        part.rest(AWAY);
    }

    fn take(&self, part: &mut Part) -> Result<(), Fault> {
        let mut guard = self.locked(self.things.lock(), part);
        while guard[0] == guard[1] {
            guard = self.locked(self.changed.wait(guard), part);
        }
        Kind::Doubled.unless(guard[0] > guard[1], "more was taken than was made")?;
        guard[1] += 1;
        drop(guard);
        part.rest(AWAY);
        Ok(())
    }

    /// When nobody is left.
    fn check(&self) -> Result<(), Fault> {
        let guard = match self.things.lock_timeout(PATIENCE) {
            Ok(guard) => guard,
            Err(LockTimeoutError::OwnerDied(died)) => died.into_guard(),
            Err(LockTimeoutError::Timeout) => return Err(Kind::Hang.fault("nobody is left, and the lock is held")),
        };
        Kind::Doubled.unless(guard[0] >= guard[1], "more was taken than was made")
    }
}

pub(super) fn scene() -> Scene {
    let stage = Stage { things: Value::new([0; 2]).expect("memory"), changed: Condition::new().expect("memory") };
    let (make, take) = (stage.clone(), stage.clone());
    let make = move |part: &mut Part| {
        make.make(part);
        Ok(())
    };
    Scene {
        name: "Condition",
        roles: vec![
            Role { name: "make", players: 1, round: Box::new(make) },
            Role { name: "take", players: 2, round: Box::new(move |part| take.take(part)) },
        ],
        check: Box::new(move || stage.check()),
    }
}
