//! How processes end, and how that is told.
use std::io::Read;
use std::os::fd::{AsFd, AsRawFd};
use std::time::{Duration, Instant};

use carom::{Process, RemoteError, active_children};

use crate::common::{LONG, eventually, stderr_of, stdout_of, watchdog, watchdog_after, zombies};
use crate::tasks::{exit_with, forever, nothing, say_and_stay, until_end_of_input};

#[carom::task]
fn panic_with(text: String) {
    panic!("{text}");
}

#[carom::task]
fn fail() -> Result<u8, RemoteError> {
    Ok("x".parse()?)
}

/// An error type that cannot be printed.
#[derive(serde::Serialize, serde::Deserialize)]
struct Mute;

#[carom::task]
fn fail_mutely() -> Result<(), Mute> {
    Err(Mute)
}

#[carom::task]
fn fail_with_text() -> Result<(), String> {
    Err("line 1\nline 2".to_owned())
}

/// An alias hides that it is a `Result`.
type Debugged = Result<u8, Option<u8>>;

#[carom::task]
fn fail_with_debug() -> Debugged {
    Err(Some(3))
}

#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct Outer(Inner);

#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct Inner;

impl std::fmt::Display for Outer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("outer")
    }
}

impl std::fmt::Display for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("inner")
    }
}

impl std::error::Error for Outer {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

impl std::error::Error for Inner {}

#[carom::task]
fn fail_with_source() -> Result<(), Outer> {
    Err(Outer(Inner))
}

#[carom::task]
fn abort() {
    std::process::abort()
}

#[carom::test]
fn a_returning_task_gives_code_0() {
    let _watchdog = watchdog();
    let process = Process::spawn(nothing, ()).expect("spawn");
    let status = process.join().expect("join");
    assert!(status.success() && status.exit_ok().is_ok());
    assert_eq!((status.code(), status.signal()), (Some(0), None));
    assert_eq!(process.exit_status(), Some(status));
    assert_eq!(process.join().expect("again"), status);
}

#[carom::test]
fn exit_gives_its_code() {
    let _watchdog = watchdog();
    for code in [0, 1, 8, 255] {
        assert_eq!(Process::spawn(exit_with, code).expect("spawn").join().expect("join").code(), Some(code));
    }
}

#[carom::test]
fn a_panic_prints_message_place_and_trace_and_gives_code_1() {
    let _watchdog = watchdog();
    let (text, status) = stderr_of(Process::builder().env("RUST_BACKTRACE", "1"), panic_with, "dead parrot".into());
    assert_eq!(status.code(), Some(1));
    assert!(text.contains("dead parrot"), "{text}");
    assert!(text.contains("tests/process/ending.rs:"), "{text}");
    assert!(text.contains("panic_with>::call"), "{text}");
    assert!(text.contains("carom: task `process::ending::panic_with` in process `Process-"), "{text}");
    let (text, _) = stderr_of(Process::builder().env_remove("RUST_BACKTRACE"), panic_with, "dead parrot".into());
    assert!(!text.contains("panic_with>::call"), "{text}");
}

#[carom::task]
fn panic_with_a_bomb() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("again");
        }
    }
    std::panic::panic_any(Bomb);
}

#[carom::test]
fn a_panic_whose_payload_panics_is_a_panic() {
    let _watchdog = watchdog();
    let (text, status) = stderr_of(Process::builder(), panic_with_a_bomb, ());
    assert_eq!(status.code(), Some(1), "{text}");
    assert!(text.contains("panic_with_a_bomb` in process"), "{text}");
}

#[carom::test]
fn an_error_is_printed_and_gives_code_1() {
    let _watchdog = watchdog();
    let (text, status) = stderr_of(Process::builder().name("failing"), fail, ());
    assert_eq!(status.code(), Some(1));
    let expected = "carom: task `process::ending::fail` in process `failing` failed: invalid digit found in string";
    assert!(text.starts_with(expected), "{text}");
    assert!(text.contains("type: core::num::"), "{text}");
    assert!(text.contains("tests/process/ending.rs:"), "{text}");
}

#[carom::test]
fn of_an_error_the_most_telling_text_is_printed() {
    let _watchdog = watchdog();
    let text = |(text, status): (String, carom::ExitStatus)| {
        assert_eq!(status.code(), Some(1));
        text.split_once(" failed: ").expect("the words").1.trim_end().to_owned()
    };
    assert_eq!(text(stderr_of(Process::builder(), fail_with_source, ())), "outer: inner");
    assert_eq!(text(stderr_of(Process::builder(), fail_with_text, ())), "line 1\nline 2");
    assert_eq!(text(stderr_of(Process::builder(), fail_with_debug, ())), "Some(3)");
    let mute = "a `process::ending::Mute`, which implements neither `Display` nor `Debug`";
    assert_eq!(text(stderr_of(Process::builder(), fail_mutely, ())), mute);
}

#[carom::test]
fn signals_are_told_from_codes() {
    let _watchdog = watchdog();
    let no_core = || Process::builder().stderr(carom::Stdio::Null);
    assert_eq!(no_core().spawn(abort, ()).expect("spawn").join().expect("join").signal(), Some(libc::SIGABRT));
    type Send = fn(&Process) -> std::io::Result<()>;
    let ways: [(Send, i32); 3] =
        [(Process::terminate, libc::SIGTERM), (Process::kill, libc::SIGKILL), (Process::interrupt, libc::SIGINT)];
    for (send, signal) in ways {
        let process = Process::spawn(forever, ()).expect("spawn");
        send(&process).expect("send");
        let status = process.join().expect("join");
        assert_eq!((status.signal(), status.code(), status.success()), (Some(signal), None, false));
        let error = status.exit_ok().expect_err("a signal");
        assert_eq!(format!("{error:?}"), format!("the process failed: {status}"));
        // to a process that has ended, a signal goes nowhere
        send(&process).expect("send again");
    }
}

#[carom::test]
fn waiting_ends_at_its_time() {
    let _watchdog = watchdog();
    let process = Process::spawn(forever, ()).expect("spawn");
    assert_eq!(process.join_timeout(Duration::ZERO).expect("join"), None);
    let start = Instant::now();
    assert_eq!(process.join_timeout(Duration::from_millis(30)).expect("join"), None);
    assert!(start.elapsed() >= Duration::from_millis(30));
    assert!(process.is_alive());
    assert_eq!(process.exit_status(), None);
    process.kill().expect("kill");
    assert!(process.join_timeout(Duration::MAX).expect("join").is_some());
    assert!(!process.is_alive());
}

#[carom::test]
fn several_threads_may_wait_for_one_process() {
    let _watchdog = watchdog();
    let (input, hold) = std::io::pipe().expect("pipe");
    let process = Process::builder().stdin(input).spawn(until_end_of_input, ()).expect("spawn");
    std::thread::scope(|scope| {
        let waiting: Vec<_> = (0..4).map(|_| scope.spawn(|| process.join().expect("join"))).collect();
        drop(hold);
        for thread in waiting {
            assert!(thread.join().expect("thread").success());
        }
    });
}

#[carom::test]
fn the_sentinel_is_ready_once_the_process_has_ended() {
    let _watchdog = watchdog();
    let process = Process::spawn(forever, ()).expect("spawn");
    let ready = |milliseconds| {
        let mut poll = libc::pollfd { fd: process.sentinel().as_raw_fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: one valid structure.
        unsafe { libc::poll(&mut poll, 1, milliseconds) == 1 }
    };
    assert!(!ready(0));
    process.kill().expect("kill");
    assert!(ready(LONG.as_millis() as i32));
    let _ = process.join().expect("join");
    assert!(ready(0), "it stays ready");
    assert_eq!(process.as_fd().as_raw_fd(), process.sentinel().as_raw_fd());
}

#[carom::test]
fn a_running_process_cannot_be_closed() {
    let _watchdog = watchdog();
    let process = Process::spawn(forever, ()).expect("spawn");
    let process = process.close().expect_err("it runs");
    process.kill().expect("kill");
    let _ = process.join().expect("join");
    process.close().expect("it has ended");
}

#[carom::test]
fn running_processes_are_listed_and_ended_ones_are_not() {
    let _watchdog = watchdog();
    let process = Process::builder().name("listed").spawn(forever, ()).expect("spawn");
    let listed = || active_children().into_iter().find(|other| other.pid() == process.pid());
    let other = listed().expect("it runs");
    assert_eq!((other.name(), other.daemon()), ("listed", false));
    other.kill().expect("kill");
    let _ = process.join().expect("join");
    assert!(listed().is_none());
    assert_eq!(other.exit_status(), process.exit_status());
}

#[carom::test]
fn a_dropped_handle_leaves_the_process_running_and_no_zombie() {
    let _watchdog = watchdog();
    let (mut output, writer) = std::io::pipe().expect("pipe");
    let (input, hold) = std::io::pipe().expect("pipe");
    let builder = Process::builder().stdin(input).stdout(writer);
    let process = builder.spawn(until_end_of_input, ()).expect("spawn");
    let pid = process.pid();
    drop(process);
    assert!(active_children().iter().any(|child| child.pid() == pid), "it still runs");
    drop(hold);
    output.read_to_end(&mut Vec::new()).expect("its end");
    // nobody asks for its status
    eventually("the zombie is reaped", || !zombies().contains(&pid));
}

#[carom::test]
fn a_hundred_processes_at_once_all_end_as_they_should() {
    let _watchdog = watchdog_after(2 * LONG);
    let quick: Vec<_> = (0..100).map(|_| Process::spawn(nothing, ()).expect("spawn")).collect();
    assert!(quick.iter().all(|process| process.join().expect("join").success()));
    let slow: Vec<_> = (0..100).map(|_| Process::spawn(forever, ()).expect("spawn")).collect();
    slow.iter().for_each(|process| process.terminate().expect("terminate"));
    assert!(slow.iter().all(|process| process.join().expect("join").signal() == Some(libc::SIGTERM)));
}

#[carom::task]
fn leave_a_thread_and_a_hook() {
    extern "C" fn hook() {
        print!("hook");
    }
    // SAFETY: the function needs nothing that could be gone by then.
    unsafe { libc::atexit(hook) };
    std::thread::spawn(|| std::thread::sleep(Duration::from_secs(3600)));
    print!("task ");
}

#[carom::test]
fn exit_hooks_run_and_threads_hold_nothing_up() {
    let _watchdog = watchdog();
    let (text, status) = stdout_of(Process::builder(), leave_a_thread_and_a_hook, ());
    assert_eq!((text.as_str(), status.code()), ("task hook", Some(0)));
}

#[carom::test]
fn a_broken_standard_stream_breaks_neither_start_nor_end() {
    let _watchdog = watchdog();
    for code in [0, 3] {
        let closed = || {
            let (_, writer) = std::io::pipe().expect("pipe");
            writer
        };
        let process = Process::builder().stdout(closed()).stderr(closed()).spawn(exit_with, code).expect("spawn");
        assert_eq!(process.join().expect("join").code(), Some(code));
    }
}

#[carom::test]
fn a_status_that_somebody_else_took_is_unknown() {
    let _watchdog = watchdog();
    let process = Process::spawn(nothing, ()).expect("spawn");
    // SAFETY: a null pointer is allowed.
    let taken = unsafe { libc::waitpid(process.pid() as i32, std::ptr::null_mut(), 0) };
    assert_eq!(taken, process.pid() as i32);
    let status = process.join().expect("join");
    assert!(status.is_unknown());
    assert!(!status.success());
    process.kill().expect("nobody is hit");
}

#[carom::test]
fn a_process_shows_what_it_is() {
    let _watchdog = watchdog();
    let (mut output, writer) = std::io::pipe().expect("pipe");
    let process = Process::builder().name("shown").stdout(writer).spawn(say_and_stay, "x".into()).expect("spawn");
    output.read_exact(&mut [0]).expect("it runs");
    let text = format!("{process:?}");
    assert_eq!(text, format!("Process {{ name: \"shown\", pid: {}, running: true, daemon: false }}", process.pid()));
    process.kill().expect("kill");
    let _ = process.join().expect("join");
    assert!(format!("{process:?}").contains("ended: signal 9 (SIGKILL)"), "{process:?}");
}
