//! The one error for programs that do not care which operation failed.

use crate::connection::{RecvError, SendError};
use crate::pool::{PoolError, TaskError};
use crate::process::{ExitError, JoinError, SpawnError};
use crate::sync::{BrokenBarrier, LockTimeoutError, OverRelease, OwnerDied, TryLockError};
use crate::task::SoftTimeLimitExceeded;
use crate::{DecodeError, EncodeError, ListError, MemoryError, OutOfBounds, RemoteError, TooLong};

/// Any error of carom. Each operation has an error type of its own, which converts into this one.
///
/// Like those, it says the same by `Debug` as by `Display`, and its sources after it: that is what a `main`
/// that returns it prints.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A process could not be started.
    #[error(transparent)]
    Spawn(#[from] SpawnError),
    /// A process could not be waited for, or never ran its task.
    #[error(transparent)]
    Join(#[from] JoinError),
    /// A process failed.
    #[error(transparent)]
    Exit(#[from] ExitError),
    /// A message could not be sent.
    #[error(transparent)]
    Send(#[from] SendError),
    /// A message could not be received.
    #[error(transparent)]
    Recv(#[from] RecvError),
    /// A pool could not be started.
    #[error(transparent)]
    Pool(#[from] PoolError),
    /// A call of a task has no result.
    #[error(transparent)]
    Task(#[from] TaskError),
    /// A task returned an error.
    #[error("{0}")]
    Remote(RemoteError),
    /// A value could not be encoded.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// Bytes could not be decoded.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// There is no shared memory, or none that is fit.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// An array has no such values.
    #[error(transparent)]
    OutOfBounds(#[from] OutOfBounds),
    /// Text does not fit.
    #[error(transparent)]
    TooLong(#[from] TooLong),
    /// A value could not be put into a list.
    #[error(transparent)]
    List(#[from] ListError),
    /// Whoever held a lock ended or panicked, and what it protects may be half-changed.
    #[error("{0}")]
    OwnerDied(OwnerDied),
    /// A lock was held by others.
    #[error("the lock is held")]
    Locked,
    /// A barrier is broken.
    #[error(transparent)]
    BrokenBarrier(#[from] BrokenBarrier),
    /// A semaphore has all of its permits already.
    #[error(transparent)]
    OverRelease(#[from] OverRelease),
    /// The soft time limit of the task has passed.
    #[error(transparent)]
    SoftTimeLimitExceeded(#[from] SoftTimeLimitExceeded),
    /// A system call failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

crate::report::debug_as_report!(Error);

/// For `pool.apply(task, input)??`.
impl From<RemoteError> for Error {
    fn from(error: RemoteError) -> Self {
        Self::Remote(error)
    }
}

/// Releases the lock, of which the next one to take it is told the same.
impl<G> From<OwnerDied<G>> for Error {
    fn from(died: OwnerDied<G>) -> Self {
        Self::OwnerDied(died.release())
    }
}

impl<G> From<TryLockError<G>> for Error {
    fn from(error: TryLockError<G>) -> Self {
        match error {
            TryLockError::WouldBlock => Self::Locked,
            TryLockError::OwnerDied(died) => died.into(),
        }
    }
}

impl<G> From<LockTimeoutError<G>> for Error {
    fn from(error: LockTimeoutError<G>) -> Self {
        match error {
            LockTimeoutError::Timeout => Self::Locked,
            LockTimeoutError::OwnerDied(died) => died.into(),
        }
    }
}

/// `Result` with carom's [`Error`], or with another where one is given.
pub type Result<T, E = Error> = std::result::Result<T, E>;
