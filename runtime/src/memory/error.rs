//! What can go wrong with shared memory.

use std::io;

use nix::errno::Errno;

/// Shared memory cannot be had.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum MemoryError {
    /// Memory of no bytes was asked for.
    #[error("shared memory has at least one byte")]
    Empty,
    /// More was asked for than there are addresses, or than can be at all.
    #[error("{size} bytes are more than there can be in one piece of shared memory")]
    TooLarge {
        /// How many bytes were asked for.
        size: usize,
    },
    /// It cannot grow so far.
    #[error(
        "it was made to hold {most} bytes at most, and not {size}; `SharedMemory::growable` says how far it can grow"
    )]
    Full {
        /// How many bytes were asked for.
        size: usize,
        /// How many there can be.
        most: usize,
    },
    /// There is no space for it: in memory, or in the file system that names are in.
    #[error("there is no space for {size} bytes of shared memory{}", told(*.free))]
    NoSpace {
        /// How many bytes were asked for.
        size: usize,
        /// How many are free where names are, if they were to be there.
        free: Option<u64>,
    },
    /// It cannot be a name of shared memory.
    #[error("{name:?} cannot be a name of shared memory: {reason}")]
    BadName {
        /// The name.
        name: String,
        /// Why.
        reason: &'static str,
    },
    /// There is shared memory of that name already.
    #[error("there is shared memory with the name {name:?} already")]
    Exists {
        /// The name.
        name: String,
    },
    /// There is no shared memory of that name.
    #[error("there is no shared memory with the name {name:?}")]
    NotFound {
        /// The name.
        name: String,
    },
    /// It has no name.
    #[error("this shared memory has no name")]
    Nameless,
    /// What is there is not what was expected.
    #[error("the shared memory is not what it should be: {reason}")]
    Unfit {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A system call failed.
    #[error("shared memory cannot be had")]
    Io(#[source] io::Error),
}

crate::report::debug_as_report!(MemoryError);

fn told(free: Option<u64>) -> String {
    free.map(|free| format!(": {free} are free")).unwrap_or_default()
}

impl MemoryError {
    /// The error of a call that was to make `size` bytes available.
    pub(crate) fn of(error: io::Error, size: usize) -> Self {
        match error.raw_os_error().map(Errno::from_raw) {
            Some(Errno::ENOMEM | Errno::ENOSPC | Errno::EDQUOT) => Self::NoSpace { size, free: None },
            Some(Errno::EFBIG | Errno::EOVERFLOW | Errno::EINVAL) => Self::TooLarge { size },
            // said without a system call
            None if matches!(error.kind(), io::ErrorKind::OutOfMemory | io::ErrorKind::InvalidInput) => {
                Self::TooLarge { size }
            }
            _ => Self::Io(error),
        }
    }
}

/// There are not so many values in an array, or bytes in some memory.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{start} to {end} is not within the {len} that there are")]
#[non_exhaustive]
pub struct OutOfBounds {
    /// The first one asked for.
    pub start: usize,
    /// One after the last one asked for.
    pub end: usize,
    /// How many there are.
    pub len: usize,
}
