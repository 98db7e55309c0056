//! Pools, of which workers are killed, or the process that has one: what they are given to do, and what must become of it.
//!
//! The process with the pool, the owner, is a bystander: [`owner`] is what it does while one of its workers is moved on by instructions, and
//! [`load`] while they are killed at random, [`limits`] while calls end about when they
//! must. [`tasks`] are the calls, which count in a [`journal`] that they were made; [`ledger`] holds
//! that against what became of them.

mod journal;
mod ledger;
mod limits;
mod load;
mod owner;
mod tasks;

pub(crate) use journal::Journal;
pub(crate) use owner::{How, Scenario, Stage, meet, pool_of, set_up};
pub(crate) use tasks::{answer, note};

use carom_step_kill::{Random, Tally};

/// Kills so many, and adds to the tally what came of it.
type KillAtRandom = fn(&Random, &mut Tally);

/// Who is killed at random.
pub(crate) const AT_RANDOM: [(&str, KillAtRandom); 3] =
    [("its workers", load::kill_workers), ("limits", limits::end_calls), ("its owner", load::kill_owners)];
