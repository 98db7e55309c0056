//! What a pool was built with.

use super::quota::Most;
use super::terms::Wishes;
use crate::process::cpu_count;

/// What becomes of a call during which its worker takes more memory than `max_memory_per_child`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MemoryPolicy {
    /// It gets its result, and then another worker takes the place of this one.
    #[default]
    Finish,
    /// The worker is killed, and the call gets an error that [says so](super::TaskError::memory_limit_exceeded). Workers that
    /// run something are looked at every 10 milliseconds, so that one can take more for as long.
    Kill,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Settings {
    pub(super) processes: Option<usize>,
    pub(super) wishes: Wishes,
    pub(super) max_tasks_per_child: Option<u64>,
    pub(super) max_memory_per_child: Option<u64>,
    pub(super) memory_policy: MemoryPolicy,
    pub(super) address_space: Option<u64>,
    pub(super) captures_stderr: bool,
}

impl Settings {
    /// How many workers there are to be.
    pub(super) fn workers(&self) -> usize {
        self.processes.unwrap_or_else(cpu_count)
    }

    /// What a worker may use until another one takes its place.
    pub(super) fn most(&self) -> Most {
        Most { calls: self.max_tasks_per_child, memory: self.max_memory_per_child }
    }

    /// How much memory a worker may take at any time.
    pub(super) fn deadly_memory(&self) -> Option<u64> {
        self.max_memory_per_child.filter(|_| self.memory_policy == MemoryPolicy::Kill)
    }
}
