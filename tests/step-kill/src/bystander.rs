//! Processes that have to do with the object of an operation, and survive.

use std::io::{PipeReader, Read, Write, pipe};
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
    /// What it has found.
    told: Option<PipeReader>,
}

/// What one ends with that has found a fault, and tells it.
const FOUND: u8 = 102;

impl Bystander {
    /// A copy of this process that ends with what `run` returns.
    pub fn start(run: impl FnOnce() -> u8) -> Self {
        Self { pid: fork_for(run), status: None, told: None }
    }

    /// The same, and if it finds a fault, that is what its [`outcome`](Self::outcome) is.
    ///
    /// # Panics
    /// If there are no descriptors.
    pub fn telling(run: impl FnOnce() -> Result<u8, Fault>) -> Self {
        let (told, mut tell) = pipe().expect("two descriptors");
        let pid = fork_for(move || {
            run().unwrap_or_else(|fault| {
                // who does not listen is told by the number
                let _ = write!(tell, "{} {}", fault.kind.number(), fault.text);
                FOUND
            })
        });
        Self { pid, status: None, told: Some(told) }
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
    /// A [`Kind::Hang`], with this text, or what it [tells](Self::telling).
    pub fn outcome(&mut self, hang: &str) -> Result<u8, Fault> {
        let mut time = Stopwatch::start();
        loop {
            match self.ended() {
                Some(FOUND) => return Err(self.fault()),
                Some(code) => return Ok(code),
                None => {}
            }
            Kind::Hang.unless(time.elapsed() < PATIENCE, hang)?;
            std::thread::sleep(MOMENT);
        }
    }

    fn fault(&mut self) -> Fault {
        let mut said = String::new();
        if let Some(mut told) = self.told.take() {
            // what cannot be read is told by the number
            let _ = told.read_to_string(&mut said);
        }
        let (kind, text) = said.split_once(' ').unwrap_or(("", "a fault"));
        let kind = kind.parse().ok().and_then(|number: usize| Kind::ALL.get(number));
        kind.map_or(Kind::Untrue, |(kind, _)| *kind).fault(text)
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
