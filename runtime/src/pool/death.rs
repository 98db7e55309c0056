//! What is known of the end of a worker in the midst of a call.

use std::fmt;
use std::time::Duration;

use crate::ExitStatus;

/// How a worker ended in the midst of a call. The call may have run, wholly or in part.
#[derive(Clone, Debug)]
pub struct WorkerLost {
    pub(super) pid: u32,
    pub(super) status: ExitStatus,
    pub(super) run_time: Duration,
    pub(super) attempts: u32,
    pub(super) peak_memory: Option<u64>,
    pub(super) out_of_memory: bool,
    pub(super) stderr: Option<String>,
}

impl WorkerLost {
    /// The process id that the worker had.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// How it ended: the signal, and whether there is a core file, or the exit code.
    pub fn status(&self) -> ExitStatus {
        self.status
    }

    /// For how long it had run the call, to some milliseconds, and up to when its end was noticed.
    pub fn run_time(&self) -> Duration {
        self.run_time
    }

    /// How often the call was begun, each time by another worker, and all of those were lost: 1, and more where the task or
    /// the call has `retries`.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// How many bytes of memory the worker took at most, as the kernel tells it. That is not known if it is less than
    /// what this process had taken when it started the worker.
    pub fn peak_memory(&self) -> Option<u64> {
        self.peak_memory
    }

    /// Whether the kernel has killed a process for want of memory in the meantime, and this one ended by SIGKILL. So it is likely that
    /// it was this one.
    pub fn is_likely_out_of_memory(&self) -> bool {
        self.out_of_memory
    }

    /// The last lines that the worker wrote, in this call or in earlier ones, to its standard error, if that is [captured](super::PoolBuilder::capture_stderr).
    pub fn stderr(&self) -> Option<&str> {
        self.stderr.as_deref()
    }
}

/// `signal 9 (SIGKILL) after 1.2s, likely because memory was short, which took 3 GiB at most`.
impl fmt::Display for WorkerLost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} after {:.1?}", self.status, self.run_time)?;
        if self.out_of_memory {
            f.write_str(", likely for want of memory")?;
        }
        if let Some(bytes) = self.peak_memory {
            write!(f, ", {} MiB at most", bytes >> 20)?;
        }
        if self.attempts > 1 {
            write!(f, ", at attempt {}", self.attempts)?;
        }
        Ok(())
    }
}
