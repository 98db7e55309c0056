//! What a process knows and says of itself.
//!
//! # Safety
//! System calls with integers, and one with a string that outlives it.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// Whether the calling thread is the one that `main` runs in.
pub(crate) fn is_main_thread() -> bool {
    // SAFETY: takes nothing.
    let thread = unsafe { libc::gettid() };
    thread as u32 == std::process::id()
}

/// This process's id, without a system call.
pub(crate) fn pid() -> u32 {
    match PID.load(Relaxed) {
        0 => find_pid(),
        pid => pid,
    }
}

static PID: AtomicU32 = AtomicU32::new(0);

#[cold]
fn find_pid() -> u32 {
    let pid = std::process::id();
    if forgets_in_forked_children() {
        PID.store(pid, Relaxed);
    }
    pid
}

/// Sees to it that a forked child forgets what only its parent is; if it cannot be done, nothing is to be kept.
pub(super) fn forgets_in_forked_children() -> bool {
    extern "C" fn forget() {
        PID.store(0, Relaxed);
        super::incarnation::forget();
    }
    static DONE: OnceLock<bool> = OnceLock::new();
    // SAFETY: the function only stores numbers.
    *DONE.get_or_init(|| unsafe { libc::pthread_atfork(None, None, Some(forget)) } == 0)
}

/// A number for the process ids and starting times by which this process knows others (its namespaces of both).
pub(crate) fn namespaces() -> io::Result<u64> {
    let pids = nix::sys::stat::stat("/proc/self/ns/pid")?.st_ino;
    // a system without them has one time for all
    let times = nix::sys::stat::stat("/proc/self/ns/time").map_or(0, |times| times.st_ino);
    Ok(pids ^ times.rotate_left(32))
}

/// Whether this process has privileges that the one that executed it may lack (set-user-id and the like),
/// so that nothing it was given can be trusted.
pub(crate) fn is_privileged() -> bool {
    // SAFETY: takes an integer.
    unsafe { libc::getauxval(libc::AT_SECURE) != 0 }
}

/// Sets the name that `ps` and `top` show, of which the kernel keeps 15 bytes.
pub(crate) fn set_name(name: &str) {
    if is_main_thread() {
        let Ok(name) = CString::new(name) else { return };
        // SAFETY: the string lives until the call returns; the kernel copies at most 16 bytes of it.
        unsafe { libc::prctl(libc::PR_SET_NAME, name.as_ptr()) };
    } else {
        // the name of the process is that of its main thread; without /proc it keeps the old one
        let _ = std::fs::write("/proc/self/comm", name);
    }
}

/// Takes over a descriptor that this process inherited, closed to its own children; an error if no such
/// descriptor is open.
pub(crate) fn take_inherited(number: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: takes integers only, and fails if the descriptor is not open.
    if unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) } == -1 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: it is open, and the caller was told its number by the process that passed it on.
    let fd = unsafe { OwnedFd::from_raw_fd(number) };
    debug_assert_eq!(fd.as_raw_fd(), number);
    Ok(fd)
}
