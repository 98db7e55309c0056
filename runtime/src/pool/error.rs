//! Why a call of a task has no result, and why there is no pool.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::death::WorkerLost;
use super::panics::Panic;
use crate::task::{SoftTimeLimitExceeded, TaskInfo};
use crate::{DecodeError, EncodeError, ExitStatus, JoinError, SpawnError};

/// A call of a task has no result, and why.
///
/// An `Err` that the task returns is not one of these: it is the task's result.
pub struct TaskError(Box<Parts>);

/// Boxed, so that results stay small.
struct Parts {
    task: &'static TaskInfo,
    job: u64,
    /// Which of several inputs.
    index: Option<usize>,
    kind: Kind,
}

#[derive(Clone)]
pub(super) enum Kind {
    Panicked(Box<Panic>),
    WorkerLost(Arc<WorkerLost>),
    TimeLimit(Duration),
    MemoryLimit {
        limit: u64,
        resident: u64,
    },
    NoWorker(Arc<PoolError>),
    NotSent(Arc<crate::SendError>),
    NotEncoded(EncodeError),
    InputNotDecoded(String),
    OutputNotEncoded(String),
    OutputNotDecoded(DecodeError),
    /// The worker could not begin, or did not answer as it should.
    Refused(String),
    Closed,
    Terminated,
    NotReady,
    /// The task's limit passed.
    SoftTimeLimit,
    /// That of the task which waits for the result.
    WaitersSoftTimeLimit(SoftTimeLimitExceeded),
    Taken,
}

impl TaskError {
    pub(super) fn new(task: &'static TaskInfo, job: u64, kind: Kind) -> Self {
        Self(Box::new(Parts { task, job, index: None, kind }))
    }

    /// The error of the call with this input.
    pub(super) fn of_input(mut self, index: usize) -> Self {
        self.0.index = Some(index);
        self
    }

    /// Which input of a `map` or an `imap` the call had, counted from 0.
    pub fn index(&self) -> Option<usize> {
        self.0.index
    }

    /// The number of the job: of what was submitted at once, one call or many, counted in this process. See
    /// [`AsyncResult::job`](super::AsyncResult::job).
    pub fn job(&self) -> u64 {
        self.0.job
    }

    /// The name of the task.
    pub fn task(&self) -> &'static str {
        self.0.task.name()
    }

    /// The panic that ended the call, if one did.
    pub fn panic(&self) -> Option<&Panic> {
        match &self.0.kind {
            Kind::Panicked(panic) => Some(panic),
            _ => None,
        }
    }

    /// How the worker ended, if it did so in the midst of the call, which may have run, wholly or in part.
    pub fn worker_lost(&self) -> Option<&WorkerLost> {
        match &self.0.kind {
            Kind::WorkerLost(lost) => Some(lost),
            _ => None,
        }
    }

    /// The limit, if the call took longer than that, and was ended together with its worker.
    #[doc(alias = "TimeLimitExceeded")]
    pub fn time_limit_exceeded(&self) -> Option<Duration> {
        match self.0.kind {
            Kind::TimeLimit(limit) => Some(limit),
            _ => None,
        }
    }

    /// The limit in bytes, and how much the worker was found to take, if it was killed for that.
    pub fn memory_limit_exceeded(&self) -> Option<(u64, u64)> {
        match self.0.kind {
            Kind::MemoryLimit { limit, resident } => Some((limit, resident)),
            _ => None,
        }
    }

    /// Whether the pool was [closed](super::Pool::close) before the call was made.
    pub fn is_closed(&self) -> bool {
        matches!(self.0.kind, Kind::Closed)
    }

    /// Whether the pool was [terminated](super::Pool::terminate) before the call was done.
    pub fn is_terminated(&self) -> bool {
        matches!(self.0.kind, Kind::Terminated)
    }

    /// Whether the result was [not there in time](super::AsyncResult::get_timeout). It may come yet.
    pub fn is_timeout(&self) -> bool {
        matches!(self.0.kind, Kind::NotReady)
    }

    /// Whether a [soft time limit](mod@crate::task#soft-time-limits) passed: that of the task, which did not catch what its call was ended by;
    /// or that of another task, which waited for the result in a worker of its own, and would have had to wait on.
    pub fn is_soft_timeout(&self) -> bool {
        matches!(self.0.kind, Kind::SoftTimeLimit | Kind::WaitersSoftTimeLimit(_))
    }

    /// Whether the input or the output of the task could not travel, because it refuses to be encoded, or is not
    /// decoded as what it was.
    pub fn is_codec(&self) -> bool {
        use Kind::{InputNotDecoded, NotEncoded, OutputNotDecoded, OutputNotEncoded};
        matches!(self.0.kind, NotEncoded(_) | InputNotDecoded(_) | OutputNotEncoded(_) | OutputNotDecoded(_))
    }
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let task = self.0.task.name();
        match &self.0.kind {
            Kind::Panicked(panic) => write!(f, "task `{task}` panicked: {panic}"),
            Kind::WorkerLost(lost) => {
                write!(f, "the worker that ran task `{task}` (pid {}) ended: {lost}", lost.pid())
            }
            Kind::TimeLimit(limit) => write!(f, "task `{task}` took longer than {limit:?}, and its worker was killed"),
            Kind::MemoryLimit { limit, resident } => write!(
                f,
                "the worker that ran task `{task}` took {resident} bytes of memory, more than {limit}, and was killed",
            ),
            Kind::NoWorker(_) => write!(f, "no worker could be started for task `{task}`"),
            Kind::NotSent(_) => write!(f, "the input of task `{task}` could not be sent to a worker"),
            Kind::NotEncoded(_) => write!(f, "the input of task `{task}` cannot be encoded"),
            Kind::InputNotDecoded(reason) => write!(f, "the input of task `{task}` did not arrive: {reason}"),
            Kind::OutputNotEncoded(reason) => write!(f, "the output of task `{task}` cannot be encoded: {reason}"),
            Kind::OutputNotDecoded(_) => write!(f, "the output of task `{task}` did not arrive"),
            Kind::Refused(reason) => write!(f, "there is no result of task `{task}` from its worker: {reason}"),
            Kind::Closed => write!(f, "task `{task}` was not run because its pool is closed"),
            Kind::Terminated => write!(f, "task `{task}` was not finished because its pool was terminated"),
            Kind::NotReady => write!(f, "the result of task `{task}` is not there yet"),
            Kind::SoftTimeLimit => write!(f, "task `{task}` was ended by its soft time limit"),
            Kind::WaitersSoftTimeLimit(_) => {
                write!(
                    f,
                    "the result of task `{task}` was not there at the soft time limit of the task that waited for it"
                )
            }
            Kind::Taken => write!(f, "the result of task `{task}` has been taken already"),
        }?;
        if let Some(index) = self.0.index {
            write!(f, " (input {index})")?;
        }
        // of several lines, and so at the end
        match self.worker_lost().and_then(WorkerLost::stderr).map(str::trim_end) {
            Some(stderr) if !stderr.is_empty() => write!(f, "; it had written:\n{stderr}"),
            _ => Ok(()),
        }
    }
}

impl Error for TaskError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.0.kind {
            Kind::NoWorker(error) => Some(&**error),
            Kind::NotSent(error) => Some(&**error),
            Kind::NotEncoded(error) => Some(error),
            Kind::OutputNotDecoded(error) => Some(error),
            Kind::WaitersSoftTimeLimit(error) => Some(error),
            _ => None,
        }
    }
}

/// A pool, or a worker of it, could not be started. No process is left behind.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum PoolError {
    /// A pool of no processes was asked for.
    #[error("a pool needs one process at least")]
    NoProcesses,
    /// A worker could not be started.
    #[error("a worker could not be started")]
    Spawn(#[from] SpawnError),
    /// A worker ended before it was ready.
    #[error("a worker ended before it was ready")]
    Worker(#[from] JoinError),
    /// A worker reached its task, and ended before it was ready.
    #[error("a worker ended ({status}) before it was ready")]
    Ended {
        /// How it ended.
        status: ExitStatus,
    },
    /// The system refused something else.
    #[error("cannot {action}")]
    Os {
        /// What was tried.
        action: &'static str,
        /// What the kernel said.
        source: std::io::Error,
    },
}

crate::report::debug_as_report!(TaskError);
crate::report::debug_as_report!(PoolError);
