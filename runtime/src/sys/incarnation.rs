//! Which process somebody is, or was: its id, and when it started, because ids are used again.
//!
//! # Safety
//! A system call with integers.
#![allow(unsafe_code)]

use std::fs::File;
use std::io::Read;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::this_process;

/// Ids are less than 2^22, which is the kernel's limit.
const PID_BITS: u32 = 22;
/// The highest bit is not used.
const START_BITS: u32 = 41;

static OWN: AtomicU64 = AtomicU64::new(0);

/// This process, as a number that is not zero and leaves the highest bit free. Found out once.
#[inline]
pub(crate) fn own() -> u64 {
    match OWN.load(Relaxed) {
        0 => find_own(),
        own => own,
    }
}

/// Which process id that is.
pub(crate) fn pid(incarnation: u64) -> u32 {
    (incarnation & ((1 << PID_BITS) - 1)) as u32
}

/// Whether that process has ended, also if nobody has waited for it yet. Where the system does not show it, it has not.
pub(crate) fn has_ended(incarnation: u64) -> bool {
    if incarnation == own() {
        return false;
    }
    let pid = pid(incarnation);
    let Ok(number) = libc::pid_t::try_from(pid) else { return true };
    // SAFETY: takes integers, and sends no signal.
    if number == 0 || unsafe { libc::kill(number, 0) } == -1 {
        // it may also be another user's
        return number == 0 || std::io::Error::last_os_error().raw_os_error() == Some(libc::ESRCH);
    }
    let started = incarnation >> PID_BITS;
    read(pid).is_some_and(|stat| stat.is_over || (started != 0 && stat.start != started))
}

#[cold]
fn find_own() -> u64 {
    let pid = std::process::id();
    let start = read(pid).map_or(0, |stat| stat.start);
    let own = start << PID_BITS | u64::from(pid);
    if this_process::forgets_in_forked_children() {
        OWN.store(own, Relaxed);
    }
    own
}

/// In a forked child.
pub(super) fn forget() {
    OWN.store(0, Relaxed);
}

struct Stat {
    /// Nothing of the process runs any more.
    is_over: bool,
    /// In ticks since the system was started, as far as they count.
    start: u64,
}

/// Reads what `proc(5)` tells of a process.
fn read(pid: u32) -> Option<Stat> {
    let mut text = [0; 512];
    let len = File::open(format!("/proc/{pid}/stat")).ok()?.read(&mut text).ok()?;
    parse(&text[..len])
}

fn parse(text: &[u8]) -> Option<Stat> {
    // the name may contain anything, but nothing after it a parenthesis
    let name = text.iter().rposition(|byte| *byte == b')')?;
    let mut fields = std::str::from_utf8(&text[name + 1..]).ok()?.split_ascii_whitespace();
    let state = fields.next()?;
    // of those after the name, the threads are the 18th and the start the 20th
    let threads: u64 = fields.nth(16)?.parse().ok()?;
    let start: u64 = fields.nth(1)?.parse().ok()?;
    // a first thread that has ended while others run looks as if it were over
    let is_over = matches!(state, "Z" | "X" | "x") && threads <= 1;
    Some(Stat { is_over, start: start & ((1 << START_BITS) - 1) })
}

#[cfg(test)]
mod tests {
    use super::{has_ended, own, parse, pid};

    #[test]
    fn this_process_has_not_ended() {
        assert_eq!(pid(own()), std::process::id());
        assert!(!has_ended(own()));
        let earlier = own() - (1 << super::PID_BITS);
        assert!(has_ended(earlier), "the process that had this id before");
    }

    #[test]
    fn a_process_that_nobody_has_waited_for_has_ended() -> std::io::Result<()> {
        let mut child = std::process::Command::new("/bin/cat").stdin(std::process::Stdio::piped()).spawn()?;
        let start = super::read(child.id()).expect("it runs").start;
        let incarnation = start << super::PID_BITS | u64::from(child.id());
        assert!(!has_ended(incarnation));
        child.kill()?;
        while !has_ended(incarnation) {
            std::thread::yield_now();
        }
        child.wait()?;
        assert!(has_ended(incarnation));
        Ok(())
    }

    #[test]
    fn the_name_of_a_process_may_look_like_anything() {
        let line = b"7 (a) Z 1 (b) S 1 1 1 0 -1 4 9 0 0 0 0 0 0 0 20 0 3 0 1234 0 0\n";
        let stat = parse(line).expect("it is whole");
        assert_eq!((stat.is_over, stat.start), (false, 1234));
        assert!(parse(b"7 (cut) S 1 2").is_none());
    }
}
