//! What workers write to their standard error.
use std::collections::BTreeSet;
use std::io::{PipeWriter, Read, Write};
use std::time::Duration;

use carom::{Fd, Pool, Process};

use crate::common::{stderr_of, watchdog};
use crate::limits::is_overdue;
use crate::losses::{all_stand, die, replaced};
use crate::stage::{pool_of, square};

/// Writes this to its standard error, and ends the worker.
#[carom::task]
fn lament(text: String, how: String) -> u64 {
    std::io::stderr().write_all(text.as_bytes()).expect("write");
    die(how)
}

#[carom::task]
fn write_error(text: String) {
    std::io::stderr().write_all(text.as_bytes()).expect("write");
}

fn captured(processes: usize) -> Pool {
    Pool::builder().processes(processes).capture_stderr(true).build().expect("a pool")
}

/// In a process of its own, whose standard error is looked at.
#[carom::task]
fn lose_eloquent_workers() {
    let pool = captured(1);
    for how in ["kill", "3", "abort"] {
        let text = format!("first\nthe end is near: {how}\n");
        let error = pool.apply(lament, (text.clone(), how.to_owned())).expect_err("it ends");
        assert_eq!(error.worker_lost().expect("lost").stderr(), Some(&*text));
        let told = format!("; it had written:\nfirst\nthe end is near: {how}");
        assert!(error.to_string().ends_with(&told), "{error}");
    }
    // what an earlier call has written is there as well
    pool.apply(write_error, "earlier\n".to_owned()).expect("written");
    let error = pool.apply(lament, ("later".to_owned(), "kill".to_owned())).expect_err("it ends");
    assert_eq!(error.worker_lost().expect("lost").stderr(), Some("earlier\nlater"));
    // and of much the last lines
    let lines: String = (0..10_000).map(|line| format!("line {line}\n")).collect();
    let error = pool.apply(lament, (lines, "kill".to_owned())).expect_err("it ends");
    let tail = error.worker_lost().expect("lost").stderr().expect("captured").to_owned();
    assert!(tail.len() <= 4096 && tail.len() > 4000 && tail.starts_with("line "), "{tail}");
    assert!(tail.ends_with("line 9998\nline 9999\n"), "{tail}");
    // none is not the same as nothing
    let error = pool.apply(die, "kill".to_owned()).expect_err("it ends");
    assert_eq!(error.worker_lost().expect("lost").stderr(), Some(""));
    assert!(!error.to_string().contains("it had written"), "{error}");
    let error = pool_of(1).apply(lament, ("not captured\n".to_owned(), "kill".to_owned())).expect_err("it ends");
    assert_eq!(error.worker_lost().expect("lost").stderr(), None);
    all_stand(&pool);
    // a pool that is joined waits until all of it has been read
    pool.join();
}

#[carom::test]
fn the_last_that_a_worker_wrote_is_told_and_all_of_it_is_passed_on() {
    let _watchdog = watchdog();
    let (text, status) = stderr_of(Process::builder(), lose_eloquent_workers, ());
    assert!(status.success(), "{text}");
    for expected in ["first\n", "the end is near: 3\n", "earlier\n", "later", "not captured\n"] {
        assert!(text.contains(expected), "{expected} in {text}");
    }
    let lines: BTreeSet<&str> = text.lines().collect();
    // the first follows what had no end of line
    assert!((1..10_000).all(|line| lines.contains(&*format!("line {line}"))), "all of much");
}

/// Mebibytes from several workers at a time, which nobody else reads than this process.
#[carom::task]
fn write_much() {
    let pool = captured(2);
    let text = |i: u32| format!("{}{i}\n", ".".repeat(1000)).repeat(1000);
    pool.job(write_error).chunk_size(1).map((0..4).map(text)).expect("written");
    let error = pool.apply(lament, (text(5), "kill".to_owned())).expect_err("it ends");
    assert!(error.worker_lost().expect("lost").stderr().expect("captured").ends_with(".5\n"));
    // and also when nobody waits for the result
    let result = pool.apply_async(write_error, text(6));
    pool.join();
    result.get().expect("written");
}

#[carom::test]
fn a_worker_that_writes_mebibytes_comes_to_an_end() {
    let _watchdog = watchdog();
    let (text, status) = stderr_of(Process::builder(), write_much, ());
    assert!(status.success());
    // lines of two workers are mixed where they were cut
    let count = |c: char| text.chars().filter(|other| *other == c).count();
    assert_eq!(['0', '1', '2', '3', '5', '6'].map(count), [1000; 6]);
    assert_eq!(count('.'), 6_000_000);
}

/// A panic's message is written as any other text.
#[carom::task]
fn panic_plainly() {
    panic!("plainly");
}

#[carom::task]
fn capture_a_panic() {
    let pool = captured(1);
    let panic = pool.apply(panic_plainly, ()).expect_err("a panic");
    assert_eq!(panic.panic().map(carom::Panic::message), Some("plainly"));
    let error = pool.apply(die, "kill".to_owned()).expect_err("it ends");
    assert!(error.worker_lost().expect("lost").stderr().expect("captured").contains("plainly"));
}

#[carom::test]
fn panics_are_passed_on_too() {
    let _watchdog = watchdog();
    // with a call stack, the message is not among the last lines
    let (text, status) = stderr_of(Process::builder().env("RUST_BACKTRACE", "0"), capture_a_panic, ());
    assert!(status.success() && text.contains("plainly"), "{text}");
}

/// Closes the standard error of this process, to which what workers write would be passed on.
#[carom::task]
fn close_stderr() {
    // SAFETY: nothing else refers to the descriptor.
    unsafe { libc::close(2) };
    let pool = captured(1);
    pool.apply(write_error, "to nobody\n".repeat(100_000)).expect("written");
    let error = pool.apply(lament, ("to nobody".to_owned(), "kill".to_owned())).expect_err("it ends");
    assert!(error.worker_lost().expect("lost").stderr().expect("captured").ends_with("to nobody"));
}

#[carom::test]
fn a_parent_without_standard_error_keeps_the_last_of_it() {
    let _watchdog = watchdog();
    crate::common::alone(close_stderr, ());
}

/// In a process of its own, whose standard error nobody reads until it has told that it is done.
#[carom::task]
fn write_to_nobody(mut told: Fd<PipeWriter>) {
    let pool = captured(2);
    let much = || ".".repeat(1 << 20);
    let writing = pool.apply_async(write_error, much());
    assert_eq!(pool.apply(square, 3).expect("another worker"), 9);
    assert!(writing.get_timeout(Duration::from_millis(100)).is_err_and(|error| error.is_timeout()));
    let limit = Duration::from_millis(100);
    is_overdue(&pool.job(write_error).timeout(limit).apply(much()).expect_err("it is held up"), limit);
    let before = pool.worker_pids();
    let error = pool.apply(lament, ("the end\n".to_owned(), "kill".to_owned())).expect_err("it ends");
    assert!(error.worker_lost().expect("lost").stderr().expect("captured").ends_with("the end\n"));
    replaced(&pool, &before[1..]);
    drop(pool);
    assert!(writing.get().is_err_and(|error| error.is_terminated()));
    told.write_all(b"done").expect("tell");
}

#[carom::test]
fn a_worker_whose_standard_error_is_not_taken_holds_up_itself_alone() {
    let _watchdog = watchdog();
    let (mut stderr, writer) = std::io::pipe().expect("pipe");
    let (mut told, tells) = std::io::pipe().expect("pipe");
    let process = Process::builder().stderr(writer).spawn(write_to_nobody, Fd(tells)).expect("spawn");
    let mut text = String::new();
    told.read_to_string(&mut text).expect("it tells");
    assert_eq!(text, "done");
    let mut written = Vec::new();
    stderr.read_to_end(&mut written).expect("read");
    assert!(process.join().expect("join").success());
    assert!(written.starts_with(b"...."));
}

/// Each worker writes a line and is gone.
#[carom::task]
fn write_and_go() {
    let pool = Pool::builder().processes(2).max_tasks_per_child(1).capture_stderr(true).build().expect("a pool");
    pool.job(write_error).chunk_size(1).map((0..50).map(|i| format!("line {i}\n"))).expect("written");
    pool.join();
    let pool = captured(2);
    pool.map(write_error, (50..60).map(|i| format!("line {i}\n"))).expect("written");
    pool.join();
}

#[carom::test]
fn what_a_worker_writes_just_before_it_ends_in_peace_is_passed_on() {
    let _watchdog = watchdog();
    for _ in 0..5 {
        let (text, status) = stderr_of(Process::builder(), write_and_go, ());
        assert!(status.success(), "{text}");
        let mut lines: Vec<&str> = text.lines().collect();
        lines.sort_by_key(|line| (line.len(), *line));
        assert!(lines.iter().map(|line| (*line).to_owned()).eq((0..60).map(|i| format!("line {i}"))), "{text}");
    }
}
