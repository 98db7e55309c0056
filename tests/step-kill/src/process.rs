//! Copies of this process, which it starts, watches and ends.
//!
//! # Safety
//! The process that forks has one thread, so that the child finds no lock held. The parent reaps each child once, and
//! uses its id only before.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// What a child that panicked ends with.
const PANICKED: u8 = 101;

/// Runs `run` in a copy of this process, which ends when that returns, without destructors, and with this process.
pub fn fork(run: impl FnOnce()) -> u32 {
    fork_for(|| {
        run();
        0
    })
}

/// The same, and the child ends with what `run` returns.
pub(crate) fn fork_for(run: impl FnOnce() -> u8) -> u32 {
    let parent = std::process::id();
    // SAFETY: takes nothing.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0, "fork: {}", std::io::Error::last_os_error());
    if pid == 0 {
        // SAFETY: takes integers.
        unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
        // which is not sent any more if the parent has just been killed
        if std::os::unix::process::parent_id() != parent {
            // SAFETY: takes an integer.
            unsafe { libc::_exit(PANICKED.into()) };
        }
        let code = catch_unwind(AssertUnwindSafe(run)).unwrap_or(PANICKED);
        // SAFETY: takes an integer.
        unsafe { libc::_exit(code.into()) };
    }
    pid as u32
}

/// Waits until a child has stopped or ended; its status.
pub(crate) fn wait(pid: u32) -> libc::c_int {
    let status = changed(pid, 0);
    status.expect("a child that has not been reaped")
}

/// The status of a child, if it has stopped or ended.
pub(crate) fn look(pid: u32) -> Option<libc::c_int> {
    changed(pid, libc::WNOHANG)
}

fn changed(pid: u32, options: libc::c_int) -> Option<libc::c_int> {
    let mut status = 0;
    // SAFETY: the pointer is to one integer.
    let waited = unsafe { libc::waitpid(pid as i32, &raw mut status, options) };
    assert!(waited >= 0, "waitpid: {}", std::io::Error::last_os_error());
    (waited == pid as i32).then_some(status)
}

/// Waits until a child has ended; whether it did so by itself, and without a panic.
pub fn reap(pid: u32) -> bool {
    wait(pid) == 0
}

/// Sends SIGKILL to a child that is not reaped yet.
pub(crate) fn kill(pid: u32) {
    // SAFETY: takes integers.
    unsafe { libc::kill(pid as i32, libc::SIGKILL) };
}

/// Whether a process sleeps, until something happens that it waits for.
pub fn is_asleep(pid: u32) -> bool {
    // the state stands after the name, which stands in brackets
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('S'))
}
