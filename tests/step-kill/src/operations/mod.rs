//! What is killed: operations of locks, and of values.

mod lock;
mod subject;
mod survivor;
mod value;

use std::process::ExitCode;

use carom_step_kill::{Kind, Tally, is_possible};

/// Kills at all points of all operations.
pub(crate) fn all() -> ExitCode {
    if !is_possible() {
        println!("not checked: here, no process can be traced by breakpoints");
        return ExitCode::SUCCESS;
    }
    let mut tally = Tally::default();
    let files = || std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
    // which opens the memory of this process
    drop(subject::free());
    let before = files();
    lock::operations().iter().chain(&value::operations()).for_each(|operation| tally.count(operation));
    if files() != before {
        tally.add(&Kind::Leaked.fault("descriptors are left"));
    }
    // SAFETY: takes integers and no pointer.
    if unsafe { libc::waitpid(-1, std::ptr::null_mut(), libc::WNOHANG) } != -1 {
        tally.add(&Kind::Leaked.fault("a process is left"));
    }
    if tally.sum_up() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
