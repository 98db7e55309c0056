//! The one error for programs that do not care which operation failed.

use crate::process::{JoinError, SpawnError};
use crate::{DecodeError, EncodeError};

/// Any error of carom. Each operation has an error type of its own, which converts into this one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A process could not be started.
    #[error(transparent)]
    Spawn(#[from] SpawnError),
    /// A process could not be waited for, or never ran its task.
    #[error(transparent)]
    Join(#[from] JoinError),
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

/// `Result` with carom's [`Error`], or with another where one is given.
pub type Result<T, E = Error> = std::result::Result<T, E>;
