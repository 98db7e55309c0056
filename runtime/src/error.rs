//! The one error for programs that do not care which operation failed.

use crate::connection::{RecvError, SendError};
use crate::pool::{PoolError, TaskError};
use crate::process::{ExitError, JoinError, SpawnError};
use crate::{DecodeError, EncodeError, RemoteError};

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

/// `Result` with carom's [`Error`], or with another where one is given.
pub type Result<T, E = Error> = std::result::Result<T, E>;
