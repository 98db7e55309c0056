//! What the locks and their like, and a pool and its workers, do with words of memory that processes share.
//!
//! Each is a state machine that may stop for good after any instruction of any of those who run it, because any of them may be
//! killed. So a change that others can see is one store, or whoever comes next can complete it or take it back.
//!
//! Nothing here sleeps, wakes, or asks the system for anything: who calls is told what to sleep on and whom to wake. So the same
//! code runs with real atomics and under a checker of all interleavings (`tests/models`). Zeros are the initial state of all words.

pub(crate) mod doorbell;
pub(crate) mod flag;
pub(crate) mod permits;
pub(crate) mod rounds;
pub(crate) mod turn;
pub(crate) mod waiters;

/// What stands for a process in a slot: a number that is never zero, and that no other process ever had. Its highest bit is
/// not set.
pub(crate) type Who = u64;
