//! Pools, of which workers are killed, or the process that has one: what they are given to do, and what must become of it.
//!
//! The process with the pool, the owner, is a bystander: [`owner`] is what it does while one of its workers is moved on by instructions, and
//! [`load`] while they are killed at random. [`tasks`] are the calls, which count in a [`journal`] that they were made; [`ledger`] holds
//! that against what became of them.

mod journal;
mod ledger;
mod load;
mod owner;
mod tasks;

pub(crate) use journal::Journal;
pub(crate) use load::kill_at_random;
pub(crate) use owner::{How, Scenario, Stage, meet, pool_of, set_up};
pub(crate) use tasks::{answer, note};
