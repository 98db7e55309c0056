//! How a child, which is this same executable started anew, comes to run its task.
//!
//! The parent starts it with a marker at the end of `argv[0]`, which no process that the child starts
//! inherits. `main` runs up to [`enter_main`], [`enter_test`] or [`init`]; there a child is told from an
//! ordinary start by the marker, takes its socket, reads what to do, does it and exits.
//!
//! Under a test harness the child is started as a run of one `#[carom::test]`, and is diverted at the
//! first line of it. The harness prints before that, so its standard output is `/dev/null` until then.

use std::cell::Cell;
use std::ffi::CString;
use std::io::Write;
use std::os::fd::{AsFd, RawFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::bootstrap::{self, Received, Reply};
use crate::error::report;
use crate::private::Prepared;
use crate::process;
use crate::registry;
use crate::sys::channel::Channel;
use crate::sys::{lifeline, stdio, this_process};

/// Where a child of this program is diverted.
#[derive(Clone, Copy)]
pub(crate) enum Entry {
    /// At the first line of `main`.
    Main,
    /// At the first line of this test, by its path in the harness.
    Test(&'static str),
}

/// This process was started as a child, and has come by an entry.
static DIVERTED: AtomicBool = AtomicBool::new(false);

/// The first entry that this process came by.
static ENTRY: OnceLock<Entry> = OnceLock::new();

thread_local! {
    /// The test that runs in this thread: its children had better be runs of this one, because what a
    /// panic in them prints bears its name.
    static TEST: Cell<Option<&'static str>> = const { Cell::new(None) };
}

const MARK: &str = " (carom child, fd ";
const MARK_END: &str = ")";

/// The exit code of a child that could not even say what was wrong to its parent.
const LOST: i32 = 2;

/// Lets a process that is a child of carom's run its task, and returns in any other.
///
/// It must be the first line of `main`, before the program opens, prints or starts anything, because all
/// that stands above it happens in every child too. [`#[carom::main]`](macro@crate::main) does the same
/// and, when `main` returns, waits for the children that are still there.
///
/// # Panics
/// If it is not called on the main thread, or if two tasks have the same name.
#[track_caller]
pub fn init() {
    assert!(
        this_process::is_main_thread(),
        "carom::init() must be the first line of `main`; in tests, write `#[carom::test]` instead of `#[test]`"
    );
    enter(Entry::Main);
}

/// The first line of `#[carom::main]`; what it returns waits for the children at the end.
#[track_caller]
pub fn enter_main() -> process::Children {
    init();
    process::Children
}

/// The first line of `#[carom::test]`.
#[track_caller]
pub fn enter_test(path: &'static str) {
    let path = in_harness(path);
    TEST.set(Some(path));
    enter(Entry::Test(path));
}

#[track_caller]
fn enter(entry: Entry) {
    if let Some(socket) = marked_socket()
        && !DIVERTED.swap(true, Ordering::Relaxed)
    {
        // it may have children of its own, which are diverted at the same place
        let _ = ENTRY.set(entry);
        become_child(socket);
    }
    // also in a task that calls `init` or `main`, as a function like any other
    if let Some(duplicate) = registry::duplicate() {
        panic!("{duplicate}");
    }
    let _ = ENTRY.set(entry);
}

/// Where to start a child; none if it would not be diverted, but run the whole program again.
pub(crate) fn entry() -> Option<Entry> {
    if let Some(path) = TEST.get() {
        return Some(Entry::Test(path));
    }
    match ENTRY.get() {
        Some(entry) => Some(*entry),
        // in an ordinary `#[test]`, any `#[carom::test]` of the same binary will do
        None if marked_socket().is_none() => registry::first_test().map(|path| Entry::Test(in_harness(path))),
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
    let name =
        Path::new(std::ffi::OsStr::from_bytes(program)).file_name().map_or(&b"carom"[..], |name| name.as_bytes());
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
fn marked_socket() -> Option<RawFd> {
    let program = std::env::args_os().next()?;
    marked(program.as_bytes()).map(|(_, socket)| socket)
}

/// Runs the task that this process was started for.
fn become_child(socket: RawFd) -> ! {
    if this_process::is_privileged() {
        std::process::exit(lost("it has other privileges than its parent, which therefore cannot tell it what to do"));
    }
    let serve = || match this_process::take_inherited(socket) {
        Ok(fd) => serve(Channel::from_fd(fd)),
        Err(error) => lost(&format!("descriptor {socket}, named by its marker, cannot be used: {error}")),
    };
    // nothing may return into the caller, which would run the program again
    std::process::exit(caught(serve).unwrap_or(LOST))
}

/// What it returns, or none if it panics, which the hook has printed. The payload is not dropped, because
/// that may panic again.
fn caught<T>(call: impl FnOnce() -> T) -> Option<T> {
    std::panic::catch_unwind(AssertUnwindSafe(call)).map_err(std::mem::forget).ok()
}

/// Without a parent to tell, standard error is all there is.
fn lost(reason: &str) -> i32 {
    say(&format!("this process was started as a child of carom, but {reason}"));
    LOST
}

/// Prints to standard error by one write, so that the lines of several processes do not mix.
fn say(message: &str) {
    // there is nowhere to report a broken standard error to
    let _ = std::io::stderr().write_all(format!("carom: {message}\n").as_bytes());
}

/// Reads what to do, answers, and does it; returns the exit code.
fn serve(channel: Channel) -> i32 {
    let received = match bootstrap::receive(&channel) {
        Ok(received) => received,
        Err(error) => return refuse(&channel, &error.to_string()),
    };
    match prepare(received) {
        Ok((task, call)) => {
            // a parent that has not heard it takes the task for one that did not run
            if let Err(error) = Reply::Ready.send(&channel) {
                return lost(&format!("its parent cannot be told that it is ready: {error}"));
            }
            drop(channel);
            run(task, call)
        }
        Err(reason) => refuse(&channel, &reason),
    }
}

fn refuse(channel: &Channel, reason: &str) -> i32 {
    match Reply::Refused(reason.to_owned()).send(channel) {
        Ok(()) => LOST,
        Err(_) => lost(reason),
    }
}

/// Makes this process what the parent wants, and its task ready to run.
fn prepare(received: Received) -> Result<(&'static str, Prepared), String> {
    let Received { body, lifeline, stdout } = received;
    let alive = lifeline::arm(lifeline).map_err(|error| format!("it cannot be tied to its parent's life: {error}"))?;
    if !alive {
        // a moment later it would have been killed without a word
        std::process::exit(LOST);
    }
    if let Some(stdout) = stdout {
        stdio::redirect_stdout(stdout.as_fd())
            .map_err(|error| format!("its standard output cannot be set: {error}"))?;
    }
    let (header, mut arguments) = bootstrap::open(&body).map_err(|error| report(&error))?;
    let task = registry::find(&header.task).ok_or_else(|| {
        let name = &header.task;
        format!(
            "no task is named `{name}` here; if a crate that nothing names defines it, write `use that_crate as _;`"
        )
    })?;
    this_process::set_name(&header.name);
    process::become_process(header);
    let call = caught(|| (task.prepare)(&mut arguments))
        .ok_or_else(|| format!("decoding the arguments of task `{}` panicked", task.name))?
        .map_err(|error| format!("the arguments of task `{}` did not arrive: {}", task.name, report(&error)))?;
    match arguments.rest().len() {
        0 => Ok((task.name, call)),
        more => Err(format!("the arguments of task `{}` are followed by {more} bytes that nothing reads", task.name)),
    }
}

fn run(task: &str, call: Prepared) -> i32 {
    let code = match caught(call) {
        Some(None) => 0,
        Some(Some(failure)) => {
            say(&format!("task `{task}` in process `{}` failed: {failure}", process::current_process().name()));
            1
        }
        None => {
            say(&format!("task `{task}` in process `{}` panicked", process::current_process().name()));
            1
        }
    };
    drop(process::Children);
    code
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
