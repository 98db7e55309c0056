//! Each example prints what it says it does.

mod common;

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use common::{eventually, example, run, text, watchdog};

#[test]
fn hello_greets_each_name_from_a_process_of_its_own() {
    let _watchdog = watchdog();
    let output = run(example("hello"), &["Ada", "Grace"]);
    assert!(output.status.success());
    let out = text(&output.stdout);
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines.len(), 2, "{out}");
    for (line, (name, process)) in lines.iter().zip([("Ada", "Process-1"), ("Grace", "Process-2")]) {
        assert!(line.starts_with(&format!("hello {name}, from {process} (pid ")), "{line}");
        assert!(line.ends_with(", child of MainProcess"), "{line}");
    }
}

#[test]
fn crash_tells_how_each_process_ended() {
    let _watchdog = watchdog();
    let output = run(example("crash"), &[]);
    assert!(output.status.success());
    let expected = "segfault: signal 11 (SIGSEGV)\n   panic: exit code 1\n   error: exit code 1\n    exit: exit code 7\n  killed: signal 9 (SIGKILL)\nthe parent is well\n";
    // whether the kernel writes core files is a setting of the machine
    assert_eq!(text(&output.stdout).replace(", core dumped", ""), expected);
    let err = text(&output.stderr);
    assert!(err.contains("index out of bounds: the len is 3 but the index is 7"), "{err}");
    assert!(err.contains("task `crash::read` in process `error` failed: No such file or directory"), "{err}");
}

/// A path of this test's own, gone when it ends.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("carom-{name}-{}", std::process::id())))
    }

    fn path(&self) -> &str {
        self.0.to_str().expect("a temporary directory with a name in UTF-8")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn pipeline_counts_the_words_of_its_files() {
    let _watchdog = watchdog();
    let (one, other) = (Scratch::new("one"), Scratch::new("other"));
    std::fs::write(one.path(), "Birds sing; birds fly.\n\nThe OWL does not sing,\nowls hoot.\n").expect("write");
    std::fs::write(other.path(), "Größe größe BIRDS").expect("write");
    let output = run(example("pipeline"), &[one.path(), other.path()]);
    assert_eq!(text(&output.stderr), "");
    assert!(output.status.success());
    let expected = "    3 birds\n    2 größe\n    2 sing\n    1 does\n    1 hoot\n    1 owls\n";
    assert_eq!(text(&output.stdout), expected);
}

#[test]
fn pipeline_prints_the_ten_most_frequent_words_of_the_readme_if_no_file_is_named() {
    let _watchdog = watchdog();
    let output = run(example("pipeline"), &[]);
    assert!(output.status.success());
    let named = run(example("pipeline"), &[concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")]);
    assert_eq!(text(&output.stdout), text(&named.stdout));
    assert_eq!(text(&output.stdout).lines().count(), 10);
}

#[test]
fn pipeline_of_a_missing_file_prints_no_table_and_says_which_it_is() {
    let _watchdog = watchdog();
    let there = Scratch::new("there");
    std::fs::write(there.path(), "some words").expect("write");
    let output = run(example("pipeline"), &[there.path(), "/no/such/file"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stdout), "");
    let err = text(&output.stderr);
    let expected =
        "carom: task `pipeline::read_lines` in process `read` failed: /no/such/file: No such file or directory";
    assert!(err.starts_with(expected), "{err}");
    assert!(err.ends_with("Error: the process failed: exit code 1\n"), "{err}");
}

/// The child of this name of a process, unless it has ended.
fn child_named(parent: u32, name: &str) -> Option<u32> {
    let pids = std::fs::read_dir("/proc").expect("/proc").flatten();
    pids.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok()).find(|pid| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // PID (NAME) STATE PPID …
        let Some((state, parents)) = stat.split_once(&format!(" ({name}) ")).and_then(|(_, rest)| rest.split_once(' '))
        else {
            return false;
        };
        state != "Z" && parents.split(' ').next() == Some(&parent.to_string())
    })
}

#[test]
fn pipeline_whose_last_stage_is_killed_ends_and_says_so() {
    let _watchdog = watchdog();
    let input = Scratch::new("input");
    assert!(run("mkfifo", &[input.path()]).status.success());
    let mut pipeline = Command::new(example("pipeline"));
    let pipeline = pipeline.arg(input.path()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let pipeline = pipeline.spawn().expect("the program starts");
    // waits for the first stage to open it, too
    let mut lines = std::fs::File::create(input.path()).expect("open");
    let mut stage = None;
    eventually("the last stage is there", || {
        stage = child_named(pipeline.id(), "count");
        stage.is_some()
    });
    assert!(run("kill", &["-KILL", &stage.expect("a pid").to_string()]).status.success());
    eventually("the last stage has ended", || child_named(pipeline.id(), "count").is_none());
    lines.write_all(b"some words\n").expect("write");
    drop(lines);
    let output = pipeline.wait_with_output().expect("wait");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stdout), "");
    let err = text(&output.stderr);
    assert!(err.starts_with("Error: ") && err.contains("signal 9 (SIGKILL)"), "{err}");
    assert_eq!(err.lines().count(), 1, "the stages before it have nothing to complain of: {err}");
}

#[test]
fn shared_counter_counts_every_time() {
    let _watchdog = watchdog();
    let output = run(example("shared_counter"), &["3", "5000"]);
    assert!(output.status.success());
    assert_eq!(text(&output.stdout), "under a lock 15000, atomic 15000, should be 15000\n");
}

#[test]
fn particles_keep_their_energy() {
    let _watchdog = watchdog();
    let output = run(example("particles"), &["300"]);
    assert!(output.status.success());
    let out = text(&output.stdout);
    assert!(out.starts_with("1000 particles, 300 steps, "), "{out}");
    assert!(out.ends_with(" bounced, energy 500.000 -> 500.000\n"), "{out}");
}

#[test]
fn bank_loses_no_money_when_those_who_hold_the_lock_are_killed() {
    let _watchdog = watchdog();
    let output = run(example("bank"), &["300"]);
    let out = text(&output.stdout);
    assert!(output.status.success(), "{out}{}", text(&output.stderr));
    assert!(out.ends_with("300 of them of one who held the lock; money 16000, should be 16000\n"), "{out}");
}
