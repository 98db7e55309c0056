//! What the builder sets.
use std::io::{Read, Write};

use carom::{Process, SpawnError, Stdio};

use crate::common::{stderr_of, stdout_of, watchdog};
use crate::tasks::nothing;

#[carom::task]
fn print_environment() {
    let mut all: Vec<String> = std::env::vars().map(|(name, value)| format!("{name}={value}")).collect();
    all.sort();
    print!("{}", all.join("\n"));
}

#[carom::test]
fn the_environment_is_the_parents_with_changes() {
    let _watchdog = watchdog();
    let own = || std::env::vars().map(|(name, value)| format!("{name}={value}"));
    let lines =
        |builder| -> Vec<String> { stdout_of(builder, print_environment, ()).0.lines().map(str::to_owned).collect() };
    let mut expected: Vec<String> = own().collect();
    expected.sort();
    // values may span lines
    let expected: Vec<&str> = expected.iter().flat_map(|variable| variable.lines()).collect();
    assert_eq!(lines(Process::builder()), expected);
    let changed = lines(Process::builder().env("CAROM_TEST", "a=b").env_remove("PATH"));
    assert!(changed.contains(&"CAROM_TEST=a=b".to_owned()));
    assert!(!changed.iter().any(|line| line.starts_with("PATH=")));
    assert_eq!(lines(Process::builder().env("A", "1").env_clear().env("B", "2")), ["B=2"]);
}

#[carom::task]
fn print_directory() {
    print!("{}", std::env::current_dir().expect("a directory").display());
}

#[carom::test]
fn the_directory_is_the_parents_or_another() {
    let _watchdog = watchdog();
    let own = std::env::current_dir().expect("a directory");
    assert_eq!(stdout_of(Process::builder(), print_directory, ()).0, own.display().to_string());
    assert_eq!(stdout_of(Process::builder().current_dir("/usr"), print_directory, ()).0, "/usr");
    let error = Process::builder().current_dir("/no/such").spawn(nothing, ()).expect_err("no such directory");
    assert!(matches!(error, SpawnError::Directory { .. }), "{error}");
    assert_eq!(error.to_string(), "cannot start in \"/no/such\"");
}

#[carom::task]
fn print_arguments() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    print!("{}", arguments.join(" "));
}

#[carom::task]
fn copy_input_to_both() {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).expect("read");
    print!("out {text}");
    eprint!("err {text}");
}

#[carom::test]
fn streams_go_where_they_are_told_and_input_is_empty_unless_given() {
    let _watchdog = watchdog();
    let input = || {
        let (reader, mut writer) = std::io::pipe().expect("pipe");
        writer.write_all(b"text").expect("write");
        reader
    };
    assert_eq!(stdout_of(Process::builder().stderr(Stdio::Null), copy_input_to_both, ()).0, "out ");
    assert_eq!(stderr_of(Process::builder().stdout(Stdio::Null), copy_input_to_both, ()).0, "err ");
    assert_eq!(stdout_of(Process::builder().stdin(input()).stderr(Stdio::Null), copy_input_to_both, ()).0, "out text");
    let (mut reader, writer) = std::io::pipe().expect("pipe");
    let both = Process::builder().stdin(input()).stdout(writer.try_clone().expect("clone")).stderr(writer);
    let _ = both.spawn(copy_input_to_both, ()).expect("spawn").join().expect("join");
    let mut text = String::new();
    reader.read_to_string(&mut text).expect("read");
    // std prints what has no line end at the exit
    assert_eq!(text, "err textout text");
}

#[carom::test]
fn input_can_be_the_parents() {
    let _watchdog = watchdog();
    // the harness gives this process some standard input; the child must see the same file
    let own = std::fs::read_link("/proc/self/fd/0").expect("a link");
    let (text, _) = stdout_of(Process::builder().stdin(Stdio::Inherit), print_link, 0);
    assert_eq!(text, own.display().to_string());
}

#[carom::task]
fn print_link(fd: i32) {
    print!("{}", std::fs::read_link(format!("/proc/self/fd/{fd}")).expect("a link").display());
}

#[carom::task]
fn print_kernel_name() {
    print!("{}", std::fs::read_to_string("/proc/self/comm").expect("a name").trim_end());
}

#[carom::test]
fn the_kernel_shows_the_name() {
    let _watchdog = watchdog();
    assert_eq!(stdout_of(Process::builder().name("thumbnails"), print_kernel_name, ()).0, "thumbnails");
    assert_eq!(
        stdout_of(Process::builder().name("a very long name indeed"), print_kernel_name, ()).0,
        "a very long nam"
    );
}

#[carom::test]
fn what_cannot_be_passed_to_exec_is_refused() {
    for (builder, what) in [
        (Process::builder().name("a\0b"), "the name of the process"),
        (Process::builder().env("A", "a\0b"), "an environment variable"),
        (Process::builder().env("A=B", "c"), "an environment variable"),
        (Process::builder().env("", "c"), "an environment variable"),
        (Process::builder().current_dir("a\0b"), "the directory"),
        (Process::builder().executable("a\0b"), "the path of the executable"),
    ] {
        let error = builder.spawn(nothing, ()).expect_err(what);
        assert!(matches!(error, SpawnError::Invalid { .. }) && error.to_string().starts_with(what), "{error}");
    }
}

#[carom::test]
fn arguments_of_the_program_are_the_harnesss_under_a_harness() {
    let _watchdog = watchdog();
    let (text, _) = stdout_of(Process::builder(), print_arguments, ());
    assert!(text.starts_with("--exact "), "{text}");
}
