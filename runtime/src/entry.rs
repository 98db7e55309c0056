//! Where children of this program are diverted to their tasks, and how they know that they are children.
//!
//! A child is started with a marker at the end of `argv[0]`, which no process that it starts inherits. Under a
//! test harness it is started as a run of one `#[carom::test]`, and is diverted at the first line of it. The
//! harness prints before that, so its standard output is `/dev/null` until then.

use std::cell::Cell;
use std::ffi::{CString, OsStr};
use std::os::fd::RawFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;
use std::sync::OnceLock;

use crate::registry;

/// Where a child of this program is diverted.
#[derive(Clone, Copy)]
pub(crate) enum Entry {
    /// At the first line of `main`.
    Main,
    /// At the first line of this test, by its path in the harness.
    Test(&'static str),
}

/// The first entry that this process came by.
static ENTRY: OnceLock<Entry> = OnceLock::new();

thread_local! {
    /// The test that runs in this thread: its children had better be runs of this one, because what a
    /// panic in them prints bears its name.
    static TEST: Cell<Option<&'static str>> = const { Cell::new(None) };
}

const MARK: &str = " (carom child, fd ";
const MARK_END: &str = ")";

impl Entry {
    /// That of a `#[carom::test]`, by its path from the crate's root.
    pub(crate) fn of_test(path: &'static str) -> Self {
        Self::Test(in_harness(path))
    }

    /// Called when this process comes by it.
    pub(crate) fn reached(self) {
        if let Self::Test(path) = self {
            TEST.set(Some(path));
        }
        let _ = ENTRY.set(self);
    }
}

/// Where to start a child; none if it would not be diverted, but run the whole program again.
pub(crate) fn for_child() -> Option<Entry> {
    if let Some(path) = TEST.get() {
        return Some(Entry::Test(path));
    }
    match ENTRY.get() {
        Some(entry) => Some(*entry),
        // in an ordinary `#[test]`, any `#[carom::test]` of the same binary will do
        None if marked_socket().is_none() => registry::first_test().map(Entry::of_test),
        None => None,
    }
}

/// Harnesses name a test by its path without the crate.
fn in_harness(path: &'static str) -> &'static str {
    path.split_once("::").map_or(path, |(_crate, path)| path)
}

/// The arguments of a child: the marked `argv[0]`, then those of this process, or what a harness needs.
pub(crate) fn arguments(entry: Entry, socket: RawFd) -> Vec<CString> {
    let mut own = std::env::args_os().map(|argument| argument.into_vec());
    let program = own.next().unwrap_or_default();
    let program = marked(&program).map_or(&*program, |(program, _)| program);
    let name = Path::new(OsStr::from_bytes(program)).file_name().map_or(&b"carom"[..], |name| name.as_bytes());
    let marked = [name, MARK.as_bytes(), socket.to_string().as_bytes(), MARK_END.as_bytes()].concat();
    let rest: Vec<Vec<u8>> = match entry {
        Entry::Main => own.collect(),
        Entry::Test(path) => ["--exact", path, "--nocapture", "--include-ignored", "--test-threads=1"]
            .map(|s| s.as_bytes().to_vec())
            .into(),
    };
    // strings that came by exec contain no NUL
    [marked].into_iter().chain(rest).filter_map(|argument| CString::new(argument).ok()).collect()
}

/// Splits a marked `argv[0]`.
fn marked(argument: &[u8]) -> Option<(&[u8], RawFd)> {
    let inner = argument.strip_suffix(MARK_END.as_bytes())?;
    let at = inner.windows(MARK.len()).rposition(|window| window == MARK.as_bytes())?;
    let number = std::str::from_utf8(&inner[at + MARK.len()..]).ok()?.parse().ok()?;
    Some((&inner[..at], number))
}

/// The descriptor of the socket, if this process was started as a child.
pub(crate) fn marked_socket() -> Option<RawFd> {
    let program = std::env::args_os().next()?;
    marked(program.as_bytes()).map(|(_, socket)| socket)
}

#[cfg(test)]
mod tests {
    use super::{in_harness, marked};

    #[test]
    fn only_a_marker_of_the_exact_form_is_one() {
        assert_eq!(marked(b"demo (carom child, fd 3)"), Some((&b"demo"[..], 3)));
        assert_eq!(marked(b"a (carom child, fd 1) (carom child, fd 12)"), Some((&b"a (carom child, fd 1)"[..], 12)));
        for other in
            ["demo", "", ")", "demo (carom child, fd x)", "demo (carom child, fd 3", "demo (carom child, fd 3) "]
        {
            assert_eq!(marked(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn harnesses_do_not_name_the_crate() {
        assert_eq!(in_harness("demo::tests::one"), "tests::one");
        assert_eq!(in_harness("demo::one"), "one");
    }
}
