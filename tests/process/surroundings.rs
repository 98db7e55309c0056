//! What a child has open, what others see of it, and what it passes on.
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::process::Command;

use carom::Process;

use crate::common::{descriptors, stdout_of, watchdog};
use crate::tasks::{forever, nothing};

#[carom::task]
fn print_descriptors() {
    // the listing has one of its own open
    let all = descriptors("self");
    let listing = format!("/proc/{}/fd", std::process::id());
    let all: Vec<String> =
        all.into_iter().filter(|(_, what)| *what != listing).map(|(fd, what)| format!("{fd} {what}")).collect();
    print!("{}", all.join("\n"));
}

/// A descriptor that a C library might leave open to children, at a high number.
fn leaky() -> OwnedFd {
    let file = std::fs::File::open("/etc/passwd").expect("open");
    // SAFETY: takes integers only; without `O_CLOEXEC` on purpose.
    let fd = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_DUPFD, 150) };
    assert!(fd >= 150);
    // SAFETY: the call returned a new descriptor.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

#[carom::test]
fn a_child_has_its_streams_and_its_lifeline_open_and_nothing_else() {
    let _watchdog = watchdog();
    let _leaky = leaky();
    let one = || stdout_of(Process::builder(), print_descriptors, ()).0;
    let kinds = |text: &str| -> Vec<String> {
        text.lines().map(|line| line.split([' ', ':']).nth(1).unwrap_or_default().to_owned()).collect()
    };
    let alone = kinds(&one());
    assert_eq!(alone.len(), 4, "{alone:?}");
    assert_eq!((alone[0].as_str(), alone[1].as_str(), alone[3].as_str()), ("/dev/null", "pipe", "pipe"));
    // nor does it have more with siblings around
    let siblings: Vec<_> = (0..10).map(|_| Process::spawn(forever, ()).expect("spawn")).collect();
    assert_eq!(kinds(&one()), alone);
    siblings.iter().for_each(|sibling| sibling.kill().expect("kill"));
}

#[carom::test]
fn a_parent_keeps_nothing_open_for_a_child_that_is_gone() {
    let _watchdog = watchdog();
    let process = Process::spawn(count_own_descriptors, ()).expect("spawn");
    assert!(process.join().expect("join").success());
}

/// In a process of its own, because other tests open files in the one of the harness.
#[carom::task]
fn count_own_descriptors() {
    let rounds = || {
        for _ in 0..20 {
            let _ = Process::spawn(nothing, ()).expect("spawn").join().expect("join");
            Process::builder().executable("/no/such/file").spawn(nothing, ()).expect_err("no such file");
            Process::builder().executable("/bin/true").spawn(nothing, ()).expect("spawn").join().expect_err("foreign");
            drop(Process::spawn(nothing, ()).expect("spawn"));
        }
        carom::active_children().into_iter().for_each(|child| drop(child.join()));
        descriptors("self").len()
    };
    let first = rounds();
    assert_eq!(rounds(), first);
    assert_eq!(crate::common::zombies(), []);
}

#[carom::task]
fn run_own_executable() {
    // what a task of a user's may do: start the program that it is part of
    let output = Command::new("/proc/self/exe").arg("--list").output().expect("run");
    print!("{}", String::from_utf8_lossy(&output.stdout));
}

#[carom::task]
fn print_descriptors_of_grandchild() {
    let output = Command::new("sh").args(["-c", "ls /proc/$$/fd"]).output().expect("run");
    print!("{}", String::from_utf8_lossy(&output.stdout).split_whitespace().collect::<Vec<_>>().join(" "));
}

#[carom::test]
fn programs_that_a_child_starts_are_not_children_of_carom() {
    let _watchdog = watchdog();
    let (text, status) = stdout_of(Process::builder(), run_own_executable, ());
    assert!(status.success());
    assert!(text.contains("programs_that_a_child_starts_are_not_children_of_carom: test"), "{text}");
    let (text, _) = stdout_of(Process::builder(), print_descriptors_of_grandchild, ());
    assert_eq!(text, "0 1 2");
}

#[carom::task]
fn blocked_signals() {
    let status = std::fs::read_to_string("/proc/thread-self/status").expect("status");
    let line = status.lines().find(|line| line.starts_with("SigBlk:")).expect("SigBlk");
    print!("{}", line.split_whitespace().nth(1).expect("a mask"));
}

#[carom::test]
fn signals_blocked_in_the_thread_that_starts_it_are_not_blocked_in_a_child() {
    let _watchdog = watchdog();
    // SAFETY: the set is initialised by the first call, and only this thread is changed.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigfillset(&mut set);
        libc::pthread_sigmask(libc::SIG_BLOCK, &set, std::ptr::null_mut());
    }
    let (mask, _) = stdout_of(Process::builder(), blocked_signals, ());
    assert_eq!(mask, "0000000000000000");
}

#[carom::test]
fn threads_start_processes_at_the_same_time() {
    let _watchdog = watchdog();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            scope.spawn(move || {
                for round in 0..5 {
                    let (text, _) = stdout_of(Process::builder(), echo, (thread, round));
                    assert_eq!(text, format!("{thread} {round}"));
                }
            });
        }
    });
}

#[carom::task]
fn echo(thread: u32, round: u32) {
    print!("{thread} {round}");
}
