//! The same addresses in all processes of this program, also in those that are not copies of each other.
//!
//! # Safety
//! `personality` takes an integer.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// From `linux/personality.h`.
const ADDR_NO_RANDOMIZE: libc::c_int = 0x0004_0000;

/// Asks, and changes nothing.
const ASK: libc::c_ulong = 0xffff_ffff;

/// Whether a program that this process starts has the addresses that this one has.
pub fn are_steady() -> bool {
    // SAFETY: takes an integer.
    unsafe { libc::personality(ASK) & ADDR_NO_RANDOMIZE != 0 }
}

/// Starts this program anew, in the same process, so that they are. Returns if they are, or cannot be made so.
///
/// # Errors
/// If the program cannot be started.
pub fn make_steady() -> io::Result<()> {
    if are_steady() {
        return Ok(());
    }
    // SAFETY: takes an integer.
    let before = unsafe { libc::personality(ASK) };
    // SAFETY: takes an integer.
    unsafe { libc::personality((before | ADDR_NO_RANDOMIZE) as libc::c_ulong) };
    if !are_steady() {
        return Ok(());
    }
    let mut arguments = std::env::args_os();
    let name = arguments.next().unwrap_or_default();
    Err(Command::new("/proc/self/exe").arg0(name).args(arguments).exec())
}
