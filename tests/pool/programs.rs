//! Whole programs with a pool: those that cannot start workers, and those that end without ending it.
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use crate::common::{eventually, run, text, watchdog};
use crate::stage::{Journal, runs};

const POOLS: &str = env!("CARGO_BIN_EXE_pools");

#[test]
fn without_init_there_is_no_pool_and_the_error_says_what_to_write() {
    let _watchdog = watchdog();
    let output = run(POOLS, &["uninitialised"]);
    assert_eq!(output.status.code(), Some(1));
    let err = text(&output.stderr);
    let expected = "Error: a worker could not be started: carom is not initialised: put `#[carom::main]` on `main`";
    assert!(err.starts_with(expected), "{err}");
}

#[test]
fn workers_that_run_past_init_are_an_error_and_no_fork_bomb() {
    let _watchdog = watchdog();
    let output = run(POOLS, &["late-init"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let out = text(&output.stdout);
    let expected = "a worker ended before it was ready: process `PoolWorker-1` ended (exit code 0) before its task ran";
    assert!(out.starts_with(expected), "{out}");
}

#[test]
fn a_worker_that_ends_before_it_serves_is_an_error() {
    let _watchdog = watchdog();
    let output = run(POOLS, &["ends-before-it-serves"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), "a worker ended (exit code 6) before it was ready\n");
}

#[test]
fn while_there_is_a_worker_calls_are_done_though_another_cannot_be_started() {
    let _watchdog = watchdog();
    let obstacle = Journal::new();
    std::fs::remove_file(&obstacle.0).expect("remove");
    let output = run(POOLS, &["one-left", obstacle.0.to_str().expect("a text")]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), "done by the other\n");
}

#[test]
fn what_calls_have_printed_is_not_lost_when_their_worker_is_killed() {
    let _watchdog = watchdog();
    let output = run(POOLS, &["prints"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), ".".repeat(20));
}

#[test]
fn a_call_is_told_that_no_worker_can_be_started_and_a_later_one_tries_again() {
    let _watchdog = watchdog();
    let obstacle = Journal::new();
    std::fs::remove_file(&obstacle.0).expect("remove");
    let output = run(POOLS, &["fails-later", obstacle.0.to_str().expect("a text")]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let out = text(&output.stdout);
    let (error, result) = out.trim_end().split_once('\n').expect("two lines");
    let expected = "no worker could be started for task `pools::double`: a worker ended before it was ready: process `";
    assert!(error.starts_with(expected) && error.contains("ended (exit code 5) before its task ran"), "{error}");
    assert_eq!(result, "4");
}

#[track_caller]
fn leaves_no_worker(how: &str, code: i32) {
    let _watchdog = watchdog();
    for _ in 0..5 {
        // returns only when nobody holds its output any more
        let output = run(POOLS, &[how]);
        assert_eq!(output.status.code(), Some(code), "{}", text(&output.stderr));
        for pid in text(&output.stdout).lines() {
            let pid = pid.parse().expect("a pid");
            eventually("the worker is gone", || !runs(pid));
        }
    }
}

#[test]
fn a_forgotten_pool_ends_with_main() {
    leaves_no_worker("forgotten", 0);
    leaves_no_worker("forgotten-idle", 0);
}

#[test]
fn workers_end_with_a_program_that_exits_or_panics() {
    leaves_no_worker("exits", 3);
    leaves_no_worker("panics", 101);
}

#[test]
fn busy_workers_end_when_their_parent_is_killed() {
    let _watchdog = watchdog();
    for _ in 0..5 {
        let mut program = Command::new(POOLS).arg("busy").stdout(Stdio::piped()).spawn().expect("spawn");
        let mut lines = BufReader::new(program.stdout.take().expect("piped")).lines();
        let pids: [u32; 2] = [(); 2].map(|()| lines.next().expect("a worker").expect("a line").parse().expect("a pid"));
        assert!(pids.iter().all(|pid| runs(*pid)));
        program.kill().expect("kill");
        program.wait().expect("wait");
        for pid in pids {
            eventually("the worker is gone", || !runs(pid));
        }
    }
}

#[test]
fn workers_and_those_that_are_to_follow_them_end_when_their_parent_is_killed() {
    let _watchdog = watchdog();
    for _ in 0..5 {
        let mut program = Command::new(POOLS).arg("recycles").stdout(Stdio::piped()).spawn().expect("spawn");
        let mut out = BufReader::new(program.stdout.take().expect("piped"));
        let mut line = String::new();
        out.read_line(&mut line).expect("pids");
        let pids: Vec<u32> = line.split_whitespace().map(|pid| pid.parse().expect("a pid")).collect();
        assert!(pids.len() >= 3);
        program.kill().expect("kill");
        program.wait().expect("wait");
        // nobody holds its output any more, also of those that were started later
        out.read_to_end(&mut Vec::new()).expect("read");
        eventually("they are gone", || !pids.iter().any(|pid| runs(*pid)));
    }
}

#[test]
fn workers_that_are_killed_before_they_are_ready_are_started_again_but_not_for_ever() {
    let _watchdog = watchdog();
    let obstacle = Journal::new();
    std::fs::remove_file(&obstacle.0).expect("remove");
    let output = run(POOLS, &["stalls", obstacle.0.to_str().expect("a text")]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let out = text(&output.stdout);
    let expected = "no worker could be started for task `pools::double`: a worker ended (signal 9 (SIGKILL)) before it";
    assert!(out.starts_with(expected), "{out}");
}
