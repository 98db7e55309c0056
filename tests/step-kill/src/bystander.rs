//! Processes that have to do with the object of an operation, and survive.

use std::time::Duration;

use crate::fault::{Fault, Kind};
use crate::process::{fork_for, is_asleep, kill, look, wait};
use crate::stopwatch::Stopwatch;

/// How long a survivor may take for anything.
pub const PATIENCE: Duration = Duration::from_secs(2);

/// How often it is looked whether a process has ended, or sleeps.
const MOMENT: Duration = Duration::from_micros(50);

/// A process beside the one that is killed. It is killed when this is dropped.
pub struct Bystander {
    pid: u32,
    status: Option<libc::c_int>,
}

impl Bystander {
    /// A copy of this process that ends with what `run` returns.
    pub fn start(run: impl FnOnce() -> u8) -> Self {
        Self { pid: fork_for(run), status: None }
    }

    /// The same, after it has gone to sleep.
    ///
    /// # Panics
    /// If it ends, or does not go to sleep in time.
    pub fn asleep(run: impl FnOnce() -> u8) -> Self {
        let mut bystander = Self::start(run);
        let mut time = Stopwatch::start();
        while !is_asleep(bystander.pid) {
            assert!(bystander.ended().is_none(), "a bystander ended that should sleep");
            assert!(time.elapsed() < PATIENCE, "a bystander does not go to sleep");
            std::thread::yield_now();
        }
        bystander
    }

    /// Its number.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// What it ended with, if it has.
    ///
    /// # Panics
    /// If it was killed or panicked.
    pub fn ended(&mut self) -> Option<u8> {
        self.status = self.status.or_else(|| look(self.pid));
        let status = self.status?;
        assert!(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) != 101, "a bystander ended with {status:#x}");
        Some(libc::WEXITSTATUS(status) as u8)
    }

    /// Waits for its end, which must come in time.
    ///
    /// # Errors
    /// A [`Kind::Hang`], with this text.
    pub fn outcome(&mut self, hang: &str) -> Result<u8, Fault> {
        let mut time = Stopwatch::start();
        loop {
            if let Some(code) = self.ended() {
                return Ok(code);
            }
            Kind::Hang.unless(time.elapsed() < PATIENCE, hang)?;
            std::thread::sleep(MOMENT);
        }
    }
}

impl Drop for Bystander {
    fn drop(&mut self) {
        if self.status.is_none() {
            kill(self.pid);
            wait(self.pid);
        }
    }
}
