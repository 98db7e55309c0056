//! Means by which processes wait for each other: semaphores, conditions, barriers, events, and locks that can be taken again. Named by
//! behaviour, after the rows SYNC-05 to SYNC-15 of the Python libraries; `shared` has the locks of values.

#[path = "../common/mod.rs"]
mod common;

mod barriers;
mod bounded_semaphores;
mod broken_barriers;
mod conditions;
mod deaths;
mod events;
mod forks;
mod guards;
mod leaks;
mod lost_parties;
mod mismatches;
mod notifications;
mod peers;
mod rlocks;
mod semaphores;
mod signals;
mod stage;
mod stalls;
mod storms;
mod travel;
