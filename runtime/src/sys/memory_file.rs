//! Bytes in a file that has no name and lies in memory (`memfd_create`).
//!
//! # Safety
//! Sets of signals that are initialised before use.
#![allow(unsafe_code)]

use std::ffi::CStr;
use std::fs::File;
use std::io::{self, Seek, Write};
use std::mem::MaybeUninit;
use std::ops::Range;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::ptr;
use std::time::Duration;

use nix::fcntl::{
    AT_FDCWD, AtFlags, FallocateFlags, FcntlArg, Flock, FlockArg, OFlag, SealFlag, fallocate, fcntl, open,
};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::stat::{Mode, SFlag, fstat, lstat};
use nix::sys::statvfs::statvfs;
use nix::unistd::linkat;

/// A file of these bytes, to be read from its start. The name is for those who look into `/proc`.
pub(crate) fn of(name: &CStr, bytes: &[u8]) -> io::Result<OwnedFd> {
    let mut file = File::from(memfd_create(name, MFdFlags::MFD_CLOEXEC)?);
    without_file_size_signal(|| file.write_all(bytes))?;
    file.rewind()?;
    Ok(file.into())
}

/// Reads all of a file in memory, which another process may have made: nothing else is read, because that could wait, or have no end.
pub(crate) fn read_all(file: &File, bytes: &mut Vec<u8>) -> io::Result<()> {
    let stat = fstat(file)?;
    if SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT != SFlag::S_IFREG {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let len = usize::try_from(stat.st_size).map_err(|_| io::ErrorKind::InvalidData)?;
    bytes.clear();
    bytes.try_reserve_exact(len)?;
    bytes.resize(len, 0);
    file.read_exact_at(bytes, 0)
}

/// A file of `len` zeros, which can be mapped by many processes: nobody can make it shorter, which would end those that
/// use what is cut off, nor longer, unless it is to grow.
pub(crate) fn zeros(name: &CStr, len: u64, grows: bool) -> io::Result<OwnedFd> {
    let file = File::from(memfd_create(name, MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING)?);
    without_file_size_signal(|| file.set_len(len))?;
    let grow = if grows { SealFlag::empty() } else { SealFlag::F_SEAL_GROW };
    let seals = SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_SEAL | grow;
    fcntl(&file, FcntlArg::F_ADD_SEALS(seals))?;
    Ok(file.into())
}

/// Makes a file longer.
pub(crate) fn grow(file: &impl AsFd, len: u64) -> io::Result<()> {
    without_file_size_signal(|| Ok(nix::unistd::ftruncate(file, len as i64)?))
}

/// How long a file is, if it is one in memory that nobody can make shorter.
pub(crate) fn sealed_len(file: &impl AsFd) -> io::Result<u64> {
    // other files have no seals: an error
    let seals = fcntl(file, FcntlArg::F_GET_SEALS)?;
    if !SealFlag::from_bits_retain(seals).contains(SealFlag::F_SEAL_SHRINK) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the memory is not sealed against shrinking"));
    }
    len(file)
}

/// The device and the inode, which no other file has as long as this one is open.
pub(crate) type Identity = (u64, u64);

/// Which file it is.
pub(crate) fn identity(file: &impl AsFd) -> io::Result<Identity> {
    let stat = fstat(file)?;
    Ok((stat.st_dev, stat.st_ino))
}

/// The same of the file at a path.
pub(crate) fn identity_of(path: &Path) -> io::Result<Identity> {
    let stat = lstat(path)?;
    Ok((stat.st_dev, stat.st_ino))
}

pub(crate) fn len(file: &impl AsFd) -> io::Result<u64> {
    Ok(fstat(file)?.st_size as u64)
}

/// A file in a directory that is in memory, without a name until it is given one.
pub(crate) fn unnamed_in(directory: &Path) -> io::Result<OwnedFd> {
    Ok(open(directory, OFlag::O_TMPFILE | OFlag::O_RDWR | OFlag::O_CLOEXEC, Mode::S_IRUSR | Mode::S_IWUSR)?)
}

/// Gives a file a name, unless there is one of that name.
pub(crate) fn link(file: &impl AsFd, path: &Path) -> io::Result<()> {
    let own = format!("/proc/thread-self/fd/{}", file.as_fd().as_raw_fd());
    Ok(linkat(AT_FDCWD, own.as_str(), AT_FDCWD, path, AtFlags::AT_SYMLINK_FOLLOW)?)
}

/// Opens a file, and nothing that is none.
pub(crate) fn open_named(path: &Path, writable: bool) -> io::Result<OwnedFd> {
    let access = if writable { OFlag::O_RDWR } else { OFlag::O_RDONLY };
    let flags = access | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
    let file = open(path, flags, Mode::empty())?;
    if SFlag::from_bits_truncate(fstat(&file)?.st_mode) & SFlag::S_IFMT != SFlag::S_IFREG {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    Ok(file)
}

/// Whether a file is on the file system of a directory.
pub(crate) fn is_in(file: &impl AsFd, directory: &Path) -> io::Result<bool> {
    Ok(fstat(file)?.st_dev == lstat(directory)?.st_dev)
}

/// Gives a file zeros up to a length, and the memory for them, so that their use cannot fail.
pub(crate) fn fill(file: &impl AsFd, len: u64) -> io::Result<()> {
    without_file_size_signal(|| Ok(fallocate(file, FallocateFlags::empty(), 0, len as i64)?))
}

/// How many bytes a file system has for this user.
pub(crate) fn free_in(directory: &Path) -> io::Result<u64> {
    let told = statvfs(directory)?;
    Ok(told.blocks_available() * told.fragment_size())
}

/// Removes a name, if it stands for this file. Others who do the same at once, by this function, wait for each other, so that none of
/// them removes what another one has made in between.
pub(crate) fn unlink(path: &Path, identity: Identity) -> io::Result<()> {
    let file = open_named(path, false)?;
    // unless a program that knows nothing of this holds the lock, and does not let go
    let _locked = (0..TRIES).find_map(|_| {
        let locked = Flock::lock(file.try_clone().ok()?, FlockArg::LockExclusiveNonblock).ok();
        if locked.is_none() {
            std::thread::sleep(PAUSE);
        }
        locked
    });
    if identity_of(path)? != identity {
        return Err(io::ErrorKind::NotFound.into());
    }
    std::fs::remove_file(path)
}

const TRIES: u32 = 100;
const PAUSE: Duration = Duration::from_millis(1);

/// Opens a file that is open already once more.
pub(crate) fn reopen(file: &impl AsFd, writable: bool) -> io::Result<OwnedFd> {
    let access = if writable { OFlag::O_RDWR } else { OFlag::O_RDONLY };
    let path = format!("/proc/thread-self/fd/{}", file.as_fd().as_raw_fd());
    Ok(open(path.as_str(), access | OFlag::O_CLOEXEC, Mode::empty())?)
}

/// Whether a descriptor can be written through.
pub(crate) fn is_writable(file: &impl AsFd) -> io::Result<bool> {
    let flags = OFlag::from_bits_retain(fcntl(file, FcntlArg::F_GETFL)?);
    Ok(flags & OFlag::O_ACCMODE == OFlag::O_RDWR)
}

/// Gives the memory of a range back; whoever looks finds zeros.
pub(crate) fn punch(file: &impl AsFd, range: Range<u64>) -> io::Result<()> {
    let flags = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
    Ok(fallocate(file, flags, range.start as i64, (range.end - range.start) as i64)?)
}

/// Writes to a file. Where that passes the limit for sizes of files (`RLIMIT_FSIZE`), which also holds for
/// memory files, the result is an error and not the end of the process by SIGXFSZ.
fn without_file_size_signal<T>(write: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let mut set = MaybeUninit::uninit();
    // SAFETY: the pointer is to space for a set.
    unsafe { libc::sigemptyset(set.as_mut_ptr()) };
    // SAFETY: the set is initialised.
    unsafe { libc::sigaddset(set.as_mut_ptr(), libc::SIGXFSZ) };
    let mut before = MaybeUninit::uninit();
    // SAFETY: the set is initialised, and there is space for the old one.
    unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, set.as_ptr(), before.as_mut_ptr()) };
    let result = write();
    if result.is_err() {
        // the signal was sent to this thread and waits: take it
        let now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: the set is initialised; a null pointer is allowed.
        unsafe { libc::sigtimedwait(set.as_ptr(), ptr::null_mut(), &now) };
    }
    // SAFETY: the call above wrote the old set; a null pointer is allowed.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), ptr::null_mut()) };
    result
}
