//! Processes that take a lock several times, and give it back in some order.

use carom::{LockTimeoutError, RLock, RawValue};
use carom_step_kill::{Fault, Kind, PATIENCE, Part, Role, Scene};

#[derive(Clone)]
struct Stage {
    lock: RLock,
    /// Two numbers that are equal whenever nobody has the lock.
    numbers: [RawValue<u64>; 2],
    /// Who has the lock.
    inside: RawValue<u32>,
}

/// How often one takes the lock at most.
const DEPTH: u64 = 4;

/// In microseconds: for how long a guard is kept at most, and how long nobody comes back who had it.
const HELD: u64 = 20;
const AWAY: u64 = 100;
/// For so long one repairs at most.
const REPAIR: u64 = 200;

impl Stage {
    fn nest(&self, part: &mut Part) -> Result<(), Fault> {
        let is_mine = || self.lock.owner() == Some(std::process::id());
        let first = match self.lock.lock() {
            Ok(guard) => {
                Kind::Doubled.unless(self.inside.load() == 0, "the lock was given out while another process had it")?;
                let [a, b] = self.numbers.each_ref().map(RawValue::load);
                Kind::Torn.unless(a == b, "half of a change is there, and nobody is told")?;
                guard
            }
            Err(died) => {
                let guard = died.into_guard();
                part.recover(|part| {
                    let most = self.numbers[0].load().max(self.numbers[1].load());
                    self.numbers[0].store(most);
                    part.work(REPAIR);
                    self.numbers[1].store(most);
                    self.inside.store(0);
                });
                guard
            }
        };
        self.inside.store(std::process::id());
        let mut guards = vec![first];
        for _ in 0..part.seed.below(DEPTH) {
            let again =
                self.lock.lock().map_err(|_| Kind::Doubled.fault("a death is told to the one who has the lock"));
            guards.push(again?);
            part.work(HELD);
        }
        let next = self.numbers[0].load() + 1;
        self.numbers[0].store(next);
        while guards.len() > 1 {
            let any = part.seed.below(guards.len() as u64) as usize;
            drop(guards.swap_remove(any));
            part.work(HELD);
            Kind::Lost.unless(is_mine(), "it is lost with one of several guards")?;
        }
        self.numbers[1].store(next);
        self.inside.store(0);
        drop(guards);
        Kind::Leaked.unless(!is_mine(), "it is left locked after the last guard")?;
        part.rest(AWAY);
        Ok(())
    }

    /// When nobody is left.
    fn check(&self) -> Result<(), Fault> {
        let guard = match self.lock.lock_timeout(PATIENCE) {
            Ok(guard) => guard,
            Err(LockTimeoutError::OwnerDied(died)) => died.into_guard(),
            Err(LockTimeoutError::Timeout) => return Err(Kind::Hang.fault("nobody is left, and the lock is held")),
        };
        drop(guard);
        Kind::Leaked.unless(self.lock.owner().is_none(), "the lock is left locked")
    }
}

pub(super) fn scene() -> Scene {
    let number = || RawValue::new(0).expect("memory");
    let stage = Stage {
        lock: RLock::new().expect("memory"),
        numbers: [number(), number()],
        inside: RawValue::new(0).expect("memory"),
    };
    let nest = stage.clone();
    Scene {
        name: "RLock",
        roles: vec![Role { name: "lock", players: 3, round: Box::new(move |part| nest.nest(part)) }],
        check: Box::new(move || stage.check()),
    }
}
