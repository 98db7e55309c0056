//! Processes that take permits and give them back.

use std::time::Duration;

use carom::{RawArray, Semaphore};
use carom_step_kill::{Fault, Kind, PATIENCE, Part, Role, Scene};

#[derive(Clone)]
struct Stage {
    semaphore: Semaphore,
    /// For each player the process that has a permit, or zero.
    inside: RawArray<u32>,
}

/// How many permits there are, and how many want one.
const PERMITS: u32 = 2;
const PLAYERS: usize = 4;

/// In microseconds: for how long a permit is kept, and how long nobody comes back who had one.
const KEPT: u64 = 60;
const AWAY: u64 = 100;

impl Stage {
    fn play(&self, part: &mut Part) -> Result<(), Fault> {
        let permit = match part.seed.below(3) {
            0 => self.semaphore.try_acquire(),
            1 => self.semaphore.acquire_timeout(Duration::from_micros(part.seed.below(AWAY))),
            _ => Some(self.semaphore.acquire()),
        };
        if let Some(permit) = permit {
            self.inside.set(part.number, std::process::id()).expect("a place for each");
            // one who was killed may stand there still; those who have permits are counted by the semaphore
            let holders = self.semaphore.holders();
            let inside = self.inside.iter().filter(|pid| *pid != 0 && holders.contains(pid)).count();
            Kind::Doubled.unless(inside <= PERMITS as usize, "more have permits than there are")?;
            part.work(KEPT);
            self.inside.set(part.number, 0).expect("a place for each");
            drop(permit);
        }
        part.rest(AWAY);
        Ok(())
    }

    /// When nobody is left.
    fn check(&self) -> Result<(), Fault> {
        let acquire = |_| self.semaphore.acquire_timeout(PATIENCE);
        let permits: Vec<_> = (0..PERMITS).filter_map(acquire).collect();
        Kind::Lost.unless(permits.len() == PERMITS as usize, "a permit of one who was killed does not come back")?;
        Kind::Doubled.unless(self.semaphore.try_acquire().is_none(), "there is a permit too many")?;
        drop(permits);
        Kind::Leaked.unless(self.semaphore.available() == PERMITS, "a permit is not given back")
    }
}

pub(super) fn scene() -> Scene {
    let stage = Stage {
        semaphore: Semaphore::new(PERMITS).expect("memory"),
        inside: RawArray::zeroed(PLAYERS).expect("memory"),
    };
    let play = stage.clone();
    Scene {
        name: "Semaphore",
        roles: vec![Role { name: "acquire", players: PLAYERS, round: Box::new(move |part| play.play(part)) }],
        check: Box::new(move || stage.check()),
    }
}
