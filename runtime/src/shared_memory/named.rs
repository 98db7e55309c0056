//! Memory under a name: a file in `/dev/shm`.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use nix::errno::Errno;

use super::keeper;
use super::target::Target;
use crate::memory::MemoryError;
use crate::sys::{memory_file, this_process};

const DIRECTORY: &str = "/dev/shm";

/// The longest name of a file.
const LONGEST: usize = 255;

/// A name that some memory has, or had.
pub(super) struct Name {
    name: String,
    target: Target,
    /// The process that removes the name at its end.
    owner: Option<u32>,
}

impl Name {
    /// The name that another process says a file has.
    pub(super) fn told(name: &str, file: &OwnedFd) -> Result<Self, MemoryError> {
        check(name)?;
        let identity = memory_file::identity(file).map_err(MemoryError::Io)?;
        let name = bare(name).to_owned();
        Ok(Self { target: Target { path: Path::new(DIRECTORY).join(&name), identity }, name, owner: None })
    }

    pub(super) fn as_str(&self) -> &str {
        &self.name
    }

    pub(super) fn unlink(&self) -> Result<(), MemoryError> {
        let removed = self.target.remove();
        if self.owner.is_some() {
            keeper::forget(&self.target);
        }
        removed.map_err(|error| failed(error, &self.name, 0))
    }
}

/// One who owns a name removes it, but not a copy of the process that was made by `fork`.
impl Drop for Name {
    fn drop(&mut self) {
        if self.owner == Some(this_process::pid()) {
            // it may have been removed before
            let _ = self.unlink();
        }
    }
}

/// Whether it can be a name. One leading slash, which others write, is not a part of it.
pub(super) fn check(name: &str) -> Result<(), MemoryError> {
    let bare = bare(name);
    let reason = match bare {
        "" => "it is empty",
        "." | ".." => "it stands for a directory",
        _ if bare.contains('/') => "it contains a slash",
        _ if bare.contains('\0') => "it contains a NUL",
        _ if bare.len() > LONGEST => "it is longer than 255 bytes",
        _ => return Ok(()),
    };
    Err(MemoryError::BadName { name: name.to_owned(), reason })
}

fn bare(name: &str) -> &str {
    name.strip_prefix('/').unwrap_or(name)
}

/// Makes memory that can be given a name. Until then nobody attaches to it, and nothing is left of a failure.
pub(super) fn make(name: &str, size: usize) -> Result<OwnedFd, MemoryError> {
    let failed = |error| failed(error, bare(name), size);
    let file = memory_file::unnamed_in(Path::new(DIRECTORY)).map_err(failed)?;
    memory_file::fill(&file, size as u64).map_err(failed)?;
    Ok(file)
}

/// Whether a file is where names are.
pub(super) fn is_there(file: &OwnedFd) -> Result<bool, MemoryError> {
    memory_file::is_in(file, Path::new(DIRECTORY)).map_err(MemoryError::Io)
}

/// Gives memory a name.
pub(super) fn publish(file: &OwnedFd, name: &str, owned: bool) -> Result<Name, MemoryError> {
    let name = bare(name).to_owned();
    let identity = memory_file::identity(file).map_err(MemoryError::Io)?;
    let target = Target { path: Path::new(DIRECTORY).join(&name), identity };
    if owned {
        // before there is anything to remove
        keeper::remember(&target).map_err(MemoryError::Io)?;
    }
    let linked = memory_file::link(file, &target.path).map_err(|error| match error.kind() {
        // `/proc` is, and not what has yet to be there
        io::ErrorKind::NotFound => MemoryError::Io(error),
        _ => failed(error, &name, 0),
    });
    // from here on, dropping it makes the keeper forget it
    let name = Name { name, target, owner: owned.then(this_process::pid) };
    linked.map(|()| name)
}

/// Opens the memory of a name, and tells its size.
pub(super) fn open(name: &str, writable: bool) -> Result<(OwnedFd, usize, Name), MemoryError> {
    let name = bare(name);
    let path = Path::new(DIRECTORY).join(name);
    let file = memory_file::open_named(&path, writable).map_err(|error| failed(error, name, 0))?;
    let len = memory_file::len(&file).map_err(MemoryError::Io)?;
    if len == 0 {
        return Err(MemoryError::Unfit { reason: "it has no bytes" });
    }
    let identity = memory_file::identity(&file).map_err(MemoryError::Io)?;
    let name = Name { name: name.to_owned(), target: Target { path, identity }, owner: None };
    Ok((file, len as usize, name))
}

fn failed(error: io::Error, name: &str, size: usize) -> MemoryError {
    match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::EEXIST) => MemoryError::Exists { name: name.to_owned() },
        Some(Errno::ENOENT) => MemoryError::NotFound { name: name.to_owned() },
        Some(Errno::ENOSPC | Errno::EDQUOT) => {
            MemoryError::NoSpace { size, free: memory_file::free_in(Path::new(DIRECTORY)).ok() }
        }
        None if error.kind() == io::ErrorKind::NotFound => MemoryError::NotFound { name: name.to_owned() },
        _ => MemoryError::of(error, size),
    }
}
