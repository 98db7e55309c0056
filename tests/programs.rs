//! What becomes of programs: forgotten and late initialisation, duplicate names, the end of `main`.

mod common;

use std::io::{BufRead, BufReader};
use std::os::fd::{AsFd, FromRawFd, OwnedFd};
use std::process::{Child, Command, Stdio};

use common::{run, text, watchdog};

#[test]
fn without_init_nothing_is_started_and_the_error_says_what_to_write() {
    let _watchdog = watchdog();
    let output = run(env!("CARGO_BIN_EXE_no_init"), &[]);
    assert_eq!(output.status.code(), Some(1));
    let err = text(&output.stderr);
    assert!(err.starts_with("Error: carom is not initialised: put `#[carom::main]` on `main`"), "{err}");
}

#[test]
fn a_child_that_runs_past_init_is_an_error_and_no_fork_bomb() {
    let _watchdog = watchdog();
    let output = run(env!("CARGO_BIN_EXE_late_init"), &[]);
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(out.starts_with("process `Process-1` ended (exit code 0) before its task ran"), "{out}");
    assert!(out.contains("is `#[carom::main]` or `carom::init()` the first thing"), "{out}");
    assert!(err.contains("carom is not initialised"), "{err}");
}

#[test]
fn two_tasks_with_one_name_are_found_at_the_start() {
    let _watchdog = watchdog();
    let output = run(env!("CARGO_BIN_EXE_duplicates"), &[]);
    let err = text(&output.stderr);
    assert!(!output.status.success());
    assert!(output.stdout.is_empty());
    assert!(err.contains("two tasks are named `twice`"), "{err}");
    assert!(err.contains("tests/programs/duplicates.rs:2:1"), "{err}");
    assert!(err.contains("tests/programs/duplicates.rs:5:1"), "{err}");
}

#[test]
fn a_marker_without_a_socket_is_an_error() {
    use std::os::unix::process::CommandExt;
    let _watchdog = watchdog();
    for (fd, reason) in [("0", "Socket operation on non-socket"), ("9", "descriptor 9"), ("-1", "descriptor -1")] {
        let marker = format!("family (carom child, fd {fd})");
        let output = Command::new(env!("CARGO_BIN_EXE_family"))
            .arg0(marker)
            .arg("stay")
            .stdin(Stdio::null())
            .output()
            .expect("run");
        let err = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{err}");
        assert!(err.starts_with("carom: this process was started as a child of carom, but"), "{err}");
        assert!(err.contains(reason), "{err}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn a_program_with_raised_privileges_is_never_a_child() {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;
    let _watchdog = watchdog();
    // SAFETY: takes nothing.
    if unsafe { libc::geteuid() } != 0 {
        eprintln!("NOT TESTED: only root can give a program to another user with its own privileges");
        return;
    }
    let copy = std::env::temp_dir().join(format!("carom-privileged-{}", std::process::id()));
    let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_family")).arg(&copy).status().expect("cp");
    assert!(copied.success());
    std::fs::set_permissions(&copy, std::fs::Permissions::from_mode(0o4755)).expect("chmod");
    let output = Command::new(&copy).arg0("family (carom child, fd 0)").uid(65534).gid(65534).output();
    let as_parent = Command::new(&copy).arg("arguments").uid(65534).gid(65534).output();
    std::fs::remove_file(&copy).expect("remove");
    // nor does it start any, which would not trust it
    let err = text(&as_parent.expect("run").stderr);
    assert!(err.starts_with("Error: a program with raised privileges"), "{err}");
    let output = output.expect("run");
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("it has other privileges than its parent"), "{}", text(&output.stderr));
}

#[track_caller]
fn family_prints(how: &str, expected: &str) {
    let _watchdog = watchdog();
    let output = run(env!("CARGO_BIN_EXE_family"), &[how]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), expected);
}

#[test]
fn a_child_knows_itself_though_its_main_asked_too_early_and_its_task_calls_init() {
    family_prints("identity", "child of MainProcess\n");
}

#[test]
fn starts_succeed_where_statuses_are_thrown_away() {
    family_prints("sigchld-ignored", "all started\n");
}

#[test]
fn starts_succeed_where_somebody_else_takes_the_statuses() {
    family_prints("foreign-wait", "all started\n");
}

#[test]
fn the_reaping_thread_takes_no_signals_and_goes_with_its_last_child() {
    family_prints("reaper", "gone\n");
}

#[test]
fn children_that_are_started_while_main_waits_are_waited_for() {
    family_prints("late-children", "first\nlate\n");
}

#[test]
fn children_see_the_arguments_of_the_program() {
    let _watchdog = watchdog();
    let output = run(env!("CARGO_BIN_EXE_family"), &["arguments", "a b", "--c"]);
    assert_eq!(text(&output.stdout), "arguments a b --c\n");
}

#[test]
fn main_waits_for_its_children() {
    let _watchdog = watchdog();
    let output = run(env!("CARGO_BIN_EXE_family"), &["waits-for-children"]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(text(&output.stdout), "main\nchild\n");
}

#[test]
fn a_panicking_main_waits_for_its_children_too() {
    let _watchdog = watchdog();
    let output = run(env!("CARGO_BIN_EXE_family"), &["panics"]);
    assert_eq!(output.status.code(), Some(101));
    assert_eq!(text(&output.stdout), "child\n");
}

#[test]
fn children_wait_for_theirs() {
    let _watchdog = watchdog();
    let output = run(env!("CARGO_BIN_EXE_family"), &["grandchildren"]);
    assert_eq!(text(&output.stdout), "child\ngrandchild\nmain\n");
}

#[test]
fn daemons_are_ended_with_main() {
    let _watchdog = watchdog();
    let output = run(env!("CARGO_BIN_EXE_family"), &["ends-daemons"]);
    assert!(output.status.success());
    assert!(text(&output.stdout).contains("main\n"));
}

#[test]
fn daemons_that_ignore_sigterm_are_killed() {
    let _watchdog = watchdog();
    let output = run(env!("CARGO_BIN_EXE_family"), &["kills-daemons-that-will-not"]);
    assert!(output.status.success());
    assert_eq!(text(&output.stdout), "main\n");
}

#[test]
fn after_init_by_hand_children_end_with_the_program() {
    let _watchdog = watchdog();
    // returns only when nobody holds its output any more
    let output = run(env!("CARGO_BIN_EXE_family"), &["init-by-hand"]);
    assert!(output.status.success());
}

/// A program whose children print their pids.
fn start_family(how: &str) -> (Child, BufReader<std::process::ChildStdout>) {
    let mut program =
        Command::new(env!("CARGO_BIN_EXE_family")).arg(how).stdout(Stdio::piped()).spawn().expect("spawn");
    let output = BufReader::new(program.stdout.take().expect("piped"));
    (program, output)
}

fn pidfd_of_line(output: &mut impl BufRead) -> OwnedFd {
    let mut line = String::new();
    output.read_line(&mut line).expect("a pid");
    let pid: libc::pid_t = line.trim().parse().expect("a pid");
    // SAFETY: takes no pointers.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    assert!(fd >= 0, "{}", std::io::Error::last_os_error());
    // SAFETY: the call returned a new descriptor.
    unsafe { OwnedFd::from_raw_fd(fd as i32) }
}

fn ends_within(process: &OwnedFd, milliseconds: i32) -> bool {
    use std::os::fd::AsRawFd;
    let mut poll = libc::pollfd { fd: process.as_fd().as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: one valid structure.
    unsafe { libc::poll(&mut poll, 1, milliseconds) == 1 }
}

#[test]
fn busy_descendants_end_when_their_ancestor_is_killed() {
    let _watchdog = watchdog();
    for _ in 0..5 {
        let (mut program, mut output) = start_family("stay");
        let descendants = [pidfd_of_line(&mut output), pidfd_of_line(&mut output)];
        assert!(!ends_within(&descendants[0], 0));
        program.kill().expect("kill");
        program.wait().expect("wait");
        for descendant in &descendants {
            assert!(ends_within(descendant, 30_000), "a descendant outlived its parent");
        }
    }
}

#[test]
fn the_end_of_the_thread_that_started_it_does_not_end_a_child() {
    let _watchdog = watchdog();
    let (mut program, mut output) = start_family("thread-ends");
    let child = pidfd_of_line(&mut output);
    assert!(!ends_within(&child, 200), "the child ended with the thread");
    program.kill().expect("kill");
    program.wait().expect("wait");
    assert!(ends_within(&child, 30_000));
}

/// This process inherits the orphans of its descendants, so that it can see them all end.
fn adopt_orphans() {
    // SAFETY: takes integers.
    assert_eq!(unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1) }, 0);
}

#[test]
fn a_parent_killed_at_any_moment_leaves_nothing_behind() {
    use std::os::unix::process::CommandExt;
    let _watchdog = watchdog();
    adopt_orphans();
    for round in 0..30 {
        let mut storm = Command::new(env!("CARGO_BIN_EXE_family"));
        let mut storm = storm.arg("storm").process_group(0).spawn().expect("spawn");
        std::thread::sleep(std::time::Duration::from_micros(997 * round));
        storm.kill().expect("kill");
        storm.wait().expect("wait");
        // all its descendants are in its group and are ours now
        let group = storm.id() as i32;
        common::eventually("the orphans end", || {
            loop {
                // SAFETY: a null pointer is allowed.
                match unsafe { libc::waitpid(-group, std::ptr::null_mut(), libc::WNOHANG) } {
                    0 => return false,
                    -1 => return true,
                    _ => {}
                }
            }
        });
    }
}
