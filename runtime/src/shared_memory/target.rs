//! The file that a name of shared memory stands for.

use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::sys::memory_file::{self, Identity};

/// Which file it is that a name is to stand for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Target {
    pub(super) path: PathBuf,
    pub(super) identity: Identity,
}

impl Target {
    /// Removes the name, unless it stands for another file by now; whether it did.
    pub(super) fn remove(&self) -> io::Result<()> {
        memory_file::unlink(&self.path, self.identity)
    }
}
