//! What several of the tests use: processes that have come to a certain point, and signals to them.
use carom::{Condition, Process, RawValue, Task};

use crate::common::{eventually, until_it_waits};

/// Starts a process that stores which thread it is, and sleeps; when this returns, it does.
pub(crate) fn asleep<H>(task: impl Task<Input = (H, RawValue<u32>)>, handle: H) -> carom::Result<Process> {
    let tid = RawValue::new(0)?;
    let process = Process::spawn(task, (handle, tid.clone()))?;
    eventually("it runs", || tid.load() != 0);
    until_it_waits(tid.load());
    Ok(process)
}

/// Waits until that many wait at the condition.
#[track_caller]
pub(crate) fn until_waiting(changed: &Condition, count: usize) {
    eventually("so many wait", || changed.waiting().len() == count);
}

/// Kills it, and waits for its end; its pid.
#[track_caller]
pub(crate) fn killed(process: &Process) -> u32 {
    process.kill().expect("kill");
    assert_eq!(process.join().expect("join").signal(), Some(libc::SIGKILL));
    process.pid()
}

/// Sends it a signal.
pub(crate) fn signal(process: &Process, number: libc::c_int) {
    // SAFETY: takes integers; as long as there is a handle nobody else has the pid.
    assert_eq!(unsafe { libc::kill(process.pid() as libc::pid_t, number) }, 0);
}

/// Stops it; when this returns, it does nothing any more, until it is told to [go on](resume).
pub(crate) fn stop(process: &Process) {
    signal(process, libc::SIGSTOP);
    let path = format!("/proc/{}/stat", process.pid());
    eventually("it is stopped", || {
        let stat = std::fs::read_to_string(&path).expect("it is there");
        stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('T'))
    });
}

pub(crate) fn resume(process: &Process) {
    signal(process, libc::SIGCONT);
}

/// Ends well or not at all.
#[track_caller]
pub(crate) fn joined(process: &Process) {
    process.join().expect("join").exit_ok().expect("success");
}
