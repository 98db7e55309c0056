//! Ends this process when nothing happens in it any more.
//!
//! # Safety
//! The handler does what a signal handler may.

/// After so many seconds without another call, something waits for ever.
const PATIENCE: u32 = 10;

/// Ends this process, with a word, if it is not called again in time.
pub(crate) fn watch() {
    extern "C" fn bark(_: libc::c_int) {
        let text = "\nFAULT Hang: nothing has happened for ten seconds\n";
        // SAFETY: the bytes are there.
        unsafe { libc::write(1, text.as_ptr().cast(), text.len()) };
        // SAFETY: takes an integer.
        unsafe { libc::_exit(1) };
    }
    // SAFETY: the function does what a signal handler may.
    unsafe { libc::signal(libc::SIGALRM, bark as extern "C" fn(libc::c_int) as libc::sighandler_t) };
    // SAFETY: takes an integer.
    unsafe { libc::alarm(PATIENCE) };
}

/// Watches no longer.
pub(crate) fn rest() {
    // SAFETY: takes an integer.
    unsafe { libc::alarm(0) };
}
