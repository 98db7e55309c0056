//! Processes: starting them, watching them, and what a process knows of itself.

mod builder;
mod child;
mod children;
mod current;
mod exit_status;
mod reaper;
mod spawn_error;

use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::Duration;

pub(crate) use builder::start_hidden;
pub use builder::{Builder, Stdio};
use child::Child;
pub use children::active_children;
pub(crate) use children::{Children, before_children_end, is_ending};
pub(crate) use current::become_process;
pub use current::{CurrentProcess, ParentProcess, cpu_count, current_process, parent_process};
pub use exit_status::{ExitError, ExitStatus};

pub use spawn_error::SpawnError;

use crate::task::{Deadline, SoftTimeLimitExceeded, Task};

/// A process that runs one task; a handle to it.
///
/// The process lives as long as its task runs, and no longer than the process that started it, however
/// that one ends. A clone is another handle to the same process. When the last handle is dropped the
/// process goes on, and is reaped when it ends, so that no zombie stays. When a main function under
/// [`#[carom::main]`](macro@crate::main) returns, processes that are still running are waited for, or ended
/// if they are [daemonic](Builder::daemon). After a plain [`init`](crate::init) they end with the program.
/// They also end when this process executes another program.
///
/// (In a process that is itself a child, where carom starts no thread, those without a handle are reaped
/// when the next process is started or listed, and at the end.)
///
/// The exit code is 0 when the task returned, 1 when it panicked or returned an `Err` (which it prints to
/// standard error), and `n` after `std::process::exit(n)`. In a build with `panic = "abort"`, a panic ends
/// the process by SIGABRT. What the task returns is not sent back; a pipe as its standard output, or a
/// file, carries results.
///
/// ```standalone_crate
/// use carom::Process;
///
/// #[carom::task]
/// fn divide(a: u32, b: u32) -> u32 {
///     a / b
/// }
///
/// #[carom::main]
/// fn main() -> carom::Result<()> {
///     let fine = Process::spawn(divide, (6, 3))?;
///     let panics = Process::spawn(divide, (6, 0))?;
///     assert!(fine.join()?.success());
///     assert_eq!(panics.join()?.code(), Some(1));
///     Ok(())
/// }
/// ```
pub struct Process {
    child: Arc<Child>,
}

/// A process could not be waited for, or never ran its task.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum JoinError {
    /// The process ended before its task could run, and not because a signal was sent by its handle.
    /// Without a reason it never reached carom: it crashed before, another program was started, or `main`
    /// does not call [`init`](crate::init) first.
    #[error("process `{name}` ended ({status}) before its task ran: {}", .reason.as_deref().unwrap_or(silent(*.status)))]
    NotStarted {
        /// The name of the process.
        name: String,
        /// How it ended.
        status: ExitStatus,
        /// What it said.
        reason: Option<String>,
    },
    /// The [soft time limit](mod@crate::task#soft-time-limits) of the task that waits has passed, and the process had not ended.
    #[error("process `{name}` did not end in time")]
    SoftTimeLimitExceeded {
        /// The name of the process.
        name: String,
        /// That it has passed.
        source: SoftTimeLimitExceeded,
    },
    /// The kernel refused to wait.
    #[error("cannot wait for process `{name}`")]
    Os {
        /// The name of the process.
        name: String,
        /// What the kernel said.
        source: io::Error,
    },
}

crate::report::debug_as_report!(JoinError);

/// What may be the matter with a process that ended without a word.
fn silent(status: ExitStatus) -> &'static str {
    match status.signal() {
        Some(_) => "something ended it before",
        None => {
            "it did not say why; is it this program, and is `#[carom::main]` or `carom::init()` the first thing its `main` does?"
        }
    }
}

impl Process {
    /// Starts a process that calls `task` with `input`.
    ///
    /// Returns when the program has been executed, not when the task runs: a process that fails before its
    /// task runs is reported by [`join`](Self::join).
    ///
    /// # Errors
    /// If the input cannot be encoded, the system has no more processes, memory or descriptors to give, or
    /// this program would not divert the child to its task. No process is left behind.
    #[doc(alias = "start")]
    pub fn spawn<T: Task<Input = I>, I>(task: T, input: I) -> Result<Self, SpawnError> {
        Self::builder().spawn(task, input)
    }

    /// Options for a process: name, environment, streams and more.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The process id. It may belong to another process once this one has been joined.
    #[doc(alias = "ident")]
    pub fn pid(&self) -> u32 {
        self.child.pid()
    }

    /// The name, `Process-N` if none was given.
    pub fn name(&self) -> &str {
        self.child.name()
    }

    /// Whether it is ended, and not waited for, when this program ends.
    pub fn daemon(&self) -> bool {
        self.child.daemon()
    }

    /// Whether it has not ended yet. Does not block.
    pub fn is_alive(&self) -> bool {
        self.exit_status().is_none()
    }

    /// How it ended; none while it runs. Does not block.
    #[doc(alias = "exitcode")]
    pub fn exit_status(&self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten().map(|ended| ended.status)
    }

    /// How many bytes of memory it took at most, or this process when it started it; none while it runs.
    pub(crate) fn peak(&self) -> Option<u64> {
        self.child.try_wait().ok().flatten().map(|ended| ended.peak)
    }

    /// Blocks until it has ended. Any number of threads may wait, any number of times.
    ///
    /// # Errors
    /// If it ended before its task ran, unless a signal had been sent by a handle. In a task of a pool, if its
    /// [soft time limit](mod@crate::task#soft-time-limits) passes before.
    #[doc(alias = "wait")]
    pub fn join(&self) -> Result<ExitStatus, JoinError> {
        loop {
            if let Some(status) = self.wait_until(Deadline::Never)? {
                return Ok(status);
            }
        }
    }

    /// Blocks until it has ended, and at most for `timeout` on the monotonic clock; none if it still runs.
    ///
    /// # Errors
    /// As [`join`](Self::join).
    pub fn join_timeout(&self, timeout: Duration) -> Result<Option<ExitStatus>, JoinError> {
        self.wait_until(Deadline::after(timeout))
    }

    fn wait_until(&self, deadline: Deadline) -> Result<Option<ExitStatus>, JoinError> {
        let name = || self.name().to_owned();
        let ended = self.child.wait(deadline.instant()).map_err(|source| JoinError::Os { name: name(), source })?;
        let Some(ended) = ended else {
            let told = |source| JoinError::SoftTimeLimitExceeded { name: name(), source };
            return deadline.check().map(|()| None).map_err(told);
        };
        match ended.not_started {
            Some(reason) => Err(JoinError::NotStarted { name: name(), status: ended.status, reason }),
            None => Ok(Some(ended.status)),
        }
    }

    /// Sends SIGTERM, which ends the process unless it handles it, or ignores it as this process did when it
    /// started it. No destructor runs in it, and what it started by other means goes on.
    ///
    /// # Errors
    /// If the kernel forbids it; not if the process has ended.
    pub fn terminate(&self) -> io::Result<()> {
        self.child.signal(libc::SIGTERM)
    }

    /// Sends SIGKILL, which ends the process.
    ///
    /// # Errors
    /// As [`terminate`](Self::terminate).
    pub fn kill(&self) -> io::Result<()> {
        self.child.signal(libc::SIGKILL)
    }

    /// Sends SIGINT, as Ctrl-C does; see [`terminate`](Self::terminate).
    ///
    /// # Errors
    /// As [`terminate`](Self::terminate).
    pub fn interrupt(&self) -> io::Result<()> {
        self.child.signal(libc::SIGINT)
    }

    /// A descriptor (a pidfd) that polls as readable once the process has ended, for event loops. It stays
    /// so; only [`join`](Self::join) and its like take the exit status.
    pub fn sentinel(&self) -> BorrowedFd<'_> {
        self.child.sentinel()
    }

    /// Gives up this handle of a process that has ended.
    ///
    /// # Errors
    /// The handle itself, if the process still runs.
    pub fn close(self) -> Result<(), Self> {
        if self.is_alive() { Err(self) } else { Ok(()) }
    }
}

impl AsFd for Process {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.sentinel()
    }
}

impl Clone for Process {
    fn clone(&self) -> Self {
        Self::of(&self.child)
    }
}

impl Process {
    fn of(child: &Arc<Child>) -> Self {
        child.handle_made();
        Self { child: Arc::clone(child) }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.child.handle_dropped() && self.is_alive() {
            reaper::watch();
        }
    }
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = f.debug_struct("Process");
        text.field("name", &self.name()).field("pid", &self.pid());
        match self.exit_status() {
            Some(status) => text.field("ended", &format_args!("{status}")),
            None => text.field("running", &true),
        };
        text.field("daemon", &self.daemon()).finish()
    }
}
