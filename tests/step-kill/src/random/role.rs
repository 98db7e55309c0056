//! What processes do that are killed at random.

use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

use super::board::Slot;
use super::seed::Seed;
use crate::fault::Fault;

/// One round of what a player does; the fault is what it found.
pub type Round = Box<dyn Fn(&mut Part) -> Result<(), Fault>>;

/// An object, and the roles of the processes that use it.
pub struct Scene {
    /// What it is about.
    pub name: &'static str,
    /// Who plays in it.
    pub roles: Vec<Role>,
    /// Looks, after all players have been killed, whether the object is as it must be.
    pub check: Box<dyn Fn() -> Result<(), Fault>>,
}

/// What some processes do, each again and again until it is killed.
pub struct Role {
    /// What they are.
    pub name: &'static str,
    /// How many of them there are.
    pub players: usize,
    /// One round of it. It ends within two seconds, whoever else is killed, as long as those are started again.
    pub round: Round,
}

/// How a player stands to the supervisor.
pub struct Part {
    /// Its own random numbers.
    pub seed: Seed,
    /// Its number among those of its role.
    pub number: usize,
    pub(super) slot: &'static Slot,
}

impl Part {
    /// Works without sleeping, for a random time of up to so many microseconds.
    pub fn work(&mut self, most: u64) {
        let end = Instant::now() + Duration::from_nanos(self.seed.below(most * 1000));
        while Instant::now() < end {
            std::hint::spin_loop();
        }
    }

    /// Sleeps, for a random time of up to so many microseconds.
    pub fn rest(&mut self, most: u64) {
        std::thread::sleep(Duration::from_micros(self.seed.below(most)));
    }

    /// Does what is done after one was told that another process died. Some are killed while they do it.
    pub fn recover(&mut self, repair: impl FnOnce(&mut Self)) {
        self.slot.told.fetch_add(1, SeqCst);
        self.slot.recovers.store(1, SeqCst);
        repair(self);
        self.slot.recovers.store(0, SeqCst);
    }

    /// Plays a role, until this process is killed.
    pub(super) fn play(mut self, role: &Role) {
        loop {
            match (role.round)(&mut self) {
                Ok(()) => _ = self.slot.rounds.fetch_add(1, SeqCst),
                Err(fault) => {
                    self.slot.leave(&fault);
                    // not again and again, before anybody has looked
                    std::thread::sleep(Duration::from_millis(100));
                }
            }
        }
    }
}
