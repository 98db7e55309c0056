//! Each example prints what it says it does.

mod common;

use common::{example, run, text, watchdog};

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
