//! How many calls a worker makes, and how much memory it may take, until another one is to take its place.

use std::fs::File;

use crate::sys::statm;

/// What a worker may use.
#[derive(Clone, Copy, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct Most {
    /// How many calls.
    pub(super) calls: Option<u64>,
    /// How many bytes, after a call.
    pub(super) memory: Option<u64>,
}

/// What this worker may still use.
pub(super) struct Quota {
    calls: u64,
    memory: Option<(u64, File)>,
    is_used_up: bool,
}

impl Quota {
    /// None if the system does not tell how much memory it takes.
    pub(super) fn new(most: Most) -> std::io::Result<Self> {
        let memory = most.memory.map(|most| Ok::<_, std::io::Error>((most, statm::open(None)?))).transpose()?;
        Ok(Self { calls: most.calls.unwrap_or(u64::MAX), memory, is_used_up: false })
    }

    /// Takes note of calls that have been made.
    #[inline]
    pub(super) fn used(&mut self, calls: u32) {
        self.calls = self.calls.saturating_sub(calls.into());
        self.is_used_up |= self.calls == 0;
        if self.memory.is_some() {
            self.look_at_memory();
        }
    }

    fn look_at_memory(&mut self) {
        if let Some((most, statm)) = &self.memory {
            self.is_used_up |= statm::resident(statm).is_ok_and(|resident| resident > *most);
        }
    }

    /// Whether it is to make no more.
    #[inline]
    pub(super) fn is_used_up(&self) -> bool {
        self.is_used_up
    }
}
