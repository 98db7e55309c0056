//! What signals do to threads and processes of carom's own.
//!
//! # Safety
//! No handler is installed.
#![allow(unsafe_code)]

use nix::sys::signal::{SigHandler, SigSet, SigmaskHow, Signal, signal};
use nix::unistd::Pid;

/// Starts a thread that takes no signals, which are the user's: a thread inherits the mask of the one that
/// starts it. (Not blocked are the two by which the C library reaches all threads, for `setuid`.)
pub(crate) fn start_without<T>(start: impl FnOnce() -> T) -> nix::Result<T> {
    let before = SigSet::all().thread_swap_mask(SigmaskHow::SIG_SETMASK)?;
    let started = start();
    before.thread_set_mask()?;
    Ok(started)
}

/// Takes this process out of the group that the terminal's Ctrl-C is for, which its parent deals with, and lets it
/// ignore that signal from elsewhere too.
pub(crate) fn leave_the_terminals_group() {
    // it fails only for the leader of a session, which is in no group of another's
    let _ = nix::unistd::setpgid(Pid::from_raw(0), Pid::from_raw(0));
    // SAFETY: ignoring a signal installs no handler.
    let _ = unsafe { signal(Signal::SIGINT, SigHandler::SigIgn) };
}

/// Kills all processes of a group. The process with that number must not have been reaped.
pub(crate) fn kill_group(leader: u32) {
    // there may be no such group
    let _ = nix::sys::signal::killpg(Pid::from_raw(leader.cast_signed()), Signal::SIGKILL);
}

/// Takes this process out of its terminal's reach, and lets it ignore what asks it to end.
pub(crate) fn ignore_endings() {
    leave_the_terminals_group();
    for number in [Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT, Signal::SIGPIPE] {
        // SAFETY: ignoring a signal installs no handler.
        let _ = unsafe { signal(number, SigHandler::SigIgn) };
    }
}
