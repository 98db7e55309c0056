//! Who will be killed, for others who wait until that one sleeps.

use carom::RawValue;
use carom_step_kill::is_asleep;

/// The number of a process, when it is about to begin.
pub(super) struct Victim(RawValue<u32>);

impl Victim {
    pub(super) fn new() -> Self {
        Self(RawValue::new(0).expect("memory"))
    }

    /// Says that it is this process.
    pub(super) fn enter(&self) {
        self.0.store(std::process::id());
    }

    pub(super) fn is_known(&self) -> bool {
        self.0.load() != 0
    }

    pub(super) fn sleeps(&self) -> bool {
        self.is_known() && is_asleep(self.0.load())
    }
}
