//! What the tests share.
#![allow(dead_code, reason = "each test file uses a part")]

pub mod outside;

use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use carom::{Builder, ExitStatus, Process, Task};

/// How long anything may take before it counts as hanging. Machines can be slow; nothing should take a
/// fraction of it.
pub const LONG: Duration = Duration::from_secs(60);

/// Ends the whole test run if the test that holds it hangs.
#[must_use]
pub struct Watchdog(#[allow(dead_code)] mpsc::Sender<()>);

pub fn watchdog() -> Watchdog {
    watchdog_after(LONG)
}

pub fn watchdog_after(limit: Duration) -> Watchdog {
    let (sender, receiver) = mpsc::channel();
    let name = std::thread::current().name().unwrap_or("?").to_owned();
    std::thread::spawn(move || {
        if receiver.recv_timeout(limit) == Err(mpsc::RecvTimeoutError::Timeout) {
            // not by a macro, whose output the harness would keep
            let _ = writeln!(std::io::stderr(), "test {name} hangs");
            std::process::abort();
        }
    });
    Watchdog(sender)
}

/// Waits until something is so.
#[track_caller]
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < LONG, "never happened: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Waits until a thread sleeps in a system call that waits for a lock.
pub fn until_it_waits(tid: u32) {
    let futex = format!("{} ", libc::SYS_futex);
    let path = format!("/proc/{tid}/syscall");
    eventually("it waits", || std::fs::read_to_string(&path).is_ok_and(|call| call.starts_with(&futex)));
}

pub fn own_tid() -> u32 {
    // SAFETY: takes nothing.
    (unsafe { libc::gettid() }) as u32
}

/// Waits until nobody holds the other end any more: a process that another test is just starting holds a copy of all
/// descriptors for an instant.
pub fn until_disconnected(end: &impl AsFd) {
    let mut fd = libc::pollfd { fd: end.as_fd().as_raw_fd(), events: 0, revents: 0 };
    // SAFETY: the pointer is to one structure.
    eventually("the other end is closed", || unsafe { libc::poll(&raw mut fd, 1, 1) } == 1);
}

/// Runs the task in a process with these options; what it printed, and how it ended.
#[track_caller]
pub fn stdout_of<T: Task>(builder: Builder, task: T, input: T::Input) -> (String, ExitStatus) {
    let (reader, writer) = std::io::pipe().expect("pipe");
    outcome(builder.stdout(writer).spawn(task, input).expect("spawn"), reader)
}

/// The same for standard error.
#[track_caller]
pub fn stderr_of<T: Task>(builder: Builder, task: T, input: T::Input) -> (String, ExitStatus) {
    let (reader, writer) = std::io::pipe().expect("pipe");
    outcome(builder.stderr(writer).spawn(task, input).expect("spawn"), reader)
}

#[track_caller]
fn outcome(process: Process, mut output: impl Read) -> (String, ExitStatus) {
    let mut text = String::new();
    output.read_to_string(&mut text).expect("read");
    (text, process.join().expect("join"))
}

/// Runs a task in a process of its own, because other tests open files and take memory in the one of the
/// harness.
#[track_caller]
pub fn alone<T: Task>(task: T, input: T::Input) {
    Process::spawn(task, input).expect("spawn").join().expect("join").exit_ok().expect("success");
}

/// What a program printed.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Runs a program to its end.
#[track_caller]
pub fn run(program: impl AsRef<std::ffi::OsStr>, arguments: &[&str]) -> Output {
    Command::new(program).args(arguments).output().expect("the program starts")
}

/// An example of the workspace, which `cargo test` has built beside the tests.
pub fn example(name: &str) -> PathBuf {
    let tests = std::env::current_exe().expect("the path of this test");
    let profile = tests.parent().and_then(|deps| deps.parent()).expect("target/PROFILE/deps/TEST");
    let path = profile.join("examples").join(name);
    assert!(path.exists(), "{} is missing; `cargo build --examples` makes it", path.display());
    path
}

/// The states of this process's children that have ended and were not reaped.
pub fn zombies() -> Vec<u32> {
    let own = std::process::id().to_string();
    let processes = std::fs::read_dir("/proc").expect("/proc").flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // PID (NAME) STATE PPID …, where NAME may contain anything
        let mut fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
        fields.next() == Some("Z") && fields.next() == Some(&own)
    })
    .collect()
}

/// The descriptors of a process and what they are.
pub fn descriptors(pid: &str) -> Vec<(i32, String)> {
    let entries = std::fs::read_dir(format!("/proc/{pid}/fd")).expect("/proc").flatten();
    let mut all: Vec<(i32, String)> = entries
        .filter_map(|entry| {
            let number = entry.file_name().to_str()?.parse().ok()?;
            Some((number, std::fs::read_link(entry.path()).ok()?.to_string_lossy().into_owned()))
        })
        .collect();
    all.sort();
    all
}

/// Numbers as from a die, the same each time.
pub fn numbers(mut state: u64) -> impl FnMut(u64) -> u64 {
    move |below| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    }
}
