//! The signals of a thread of carom's own.

use nix::sys::signal::{SigSet, SigmaskHow};

/// Starts a thread that takes no signals, which are the user's: a thread inherits the mask of the one that
/// starts it. (Not blocked are the two by which the C library reaches all threads, for `setuid`.)
pub(crate) fn start_without<T>(start: impl FnOnce() -> T) -> nix::Result<T> {
    let before = SigSet::all().thread_swap_mask(SigmaskHow::SIG_SETMASK)?;
    let started = start();
    before.thread_set_mask()?;
    Ok(started)
}
