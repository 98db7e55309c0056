//! Processes whose parent was killed.
//!
//! # Safety
//! System calls that take integers, or memory for one.

use std::time::Duration;

use crate::bystander::PATIENCE;
use crate::fault::{Fault, Kind};
use crate::stopwatch::Stopwatch;

/// How often it is looked whether one has ended.
const MOMENT: Duration = Duration::from_micros(50);

/// Has descendants of this process become its children when their parents end.
pub fn adopt() {
    // SAFETY: takes integers.
    unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1) };
}

/// Waits until this process has no child any more. To be called when it has reaped those of its own. One that was stopped goes on: it may
/// not have come to where it looks whether it has a parent.
///
/// # Errors
/// A [`Kind::Hang`], if there is one for too long. It is left where it is.
pub fn see_orphans_end() -> Result<(), Fault> {
    let mut time = Stopwatch::start();
    loop {
        let mut status = 0;
        // SAFETY: the pointer is to one integer.
        match unsafe { libc::waitpid(-1, &raw mut status, libc::WNOHANG | libc::WUNTRACED) } {
            -1 => return Ok(()),
            0 => std::thread::sleep(MOMENT),
            pid if libc::WIFSTOPPED(status) => {
                // SAFETY: takes integers; it is a child that has not been reaped.
                unsafe { libc::kill(pid, libc::SIGCONT) };
            }
            _ => {}
        }
        Kind::Hang.unless(time.elapsed() < PATIENCE, "a process outlives its parent")?;
    }
}
