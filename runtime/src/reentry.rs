//! How a child, which is this same executable started anew, comes to run its task.
//!
//! `main` runs up to [`enter_main`], [`enter_test`] or [`init`]; there a child is told from an ordinary start
//! by its marker (see `entry`), takes its socket, reads what to do, does it and exits.

use std::io::Write;
use std::os::fd::{AsFd, RawFd};
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::bootstrap::{self, Received, Reply};
use crate::entry::{Entry, marked_socket};
use crate::process;
use crate::registry;
use crate::report::report;
use crate::sys::channel::Channel;
use crate::sys::{lifeline, stdio, this_process};
use crate::task::Prepared;

/// This process was started as a child, and has come by an entry.
static DIVERTED: AtomicBool = AtomicBool::new(false);

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
    enter(Entry::of_test(path));
}

#[track_caller]
fn enter(entry: Entry) {
    if let Some(socket) = marked_socket()
        && !DIVERTED.swap(true, Ordering::Relaxed)
    {
        // it may have children of its own, which are diverted at the same place
        entry.reached();
        become_child(socket);
    }
    // also in a task that calls `init` or `main`, as a function like any other
    if let Some(duplicate) = registry::duplicate() {
        panic!("{duplicate}");
    }
    entry.reached();
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
    let Received { body, lifeline, stdout, fds } = received;
    let alive = lifeline::arm(lifeline).map_err(|error| format!("it cannot be tied to its parent's life: {error}"))?;
    if !alive {
        // a moment later it would have been killed without a word
        std::process::exit(LOST);
    }
    if let Some(stdout) = stdout {
        stdio::redirect_stdout(stdout.as_fd())
            .map_err(|error| format!("its standard output cannot be set: {error}"))?;
    }
    let (header, mut arguments) = bootstrap::open(&body, fds).map_err(|error| report(&error))?;
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
