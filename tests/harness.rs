//! `#[carom::test]` under the plain harness and under nextest: the tests of `fixtures/harness`, run
//! in every way in which a user may run tests.

mod common;

use std::path::Path;
use std::process::{Command, Output};

use common::{LONG, text, watchdog_after};

fn cargo(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO"))
        .args(arguments)
        .args(["--package", "carom-test-harness", "--color", "never", "--target-dir"])
        .arg(Path::new(env!("CARGO_TARGET_TMPDIR")).join("harness"))
        .env_remove("RUST_BACKTRACE")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo")
}

/// Runs the fixture's tests with these arguments to the harness; its report.
#[track_caller]
fn test(arguments: &[&str]) -> String {
    let find = cargo(&["test", "--lib", "--test", "kinds", "--no-run"]);
    assert!(find.status.success(), "{}", text(&find.stderr));
    let mut report = String::new();
    for line in text(&find.stderr).lines().filter(|line| line.contains("Executable")) {
        let path = line.rsplit('(').next().and_then(|path| path.strip_suffix(')')).expect("a path");
        let output = Command::new(path).args(arguments).output().expect("the test binary");
        assert!(output.status.success(), "{path} {arguments:?}: {}{}", text(&output.stdout), text(&output.stderr));
        report += &text(&output.stdout);
    }
    report
}

#[test]
fn tests_of_every_kind_pass_under_the_plain_harness() {
    let _watchdog = watchdog_after(5 * LONG);
    for arguments in [&["--test-threads=16"][..], &["--test-threads=1"], &["--nocapture"]] {
        let report = test(arguments);
        assert!(report.contains("3 passed; 0 failed; 1 ignored"), "{report}");
        assert!(report.contains("2 passed; 0 failed; 0 ignored"), "{report}");
        // what the children print is there, what their harnesses print is not
        assert_eq!(report.matches("a child prints 1\n").count(), 5, "{report}");
        assert_eq!(report.matches("running").count(), 2, "{report}");
    }
}

#[test]
fn ignored_tests_start_processes_too() {
    let _watchdog = watchdog_after(5 * LONG);
    let report = test(&["--ignored"]);
    assert!(report.contains("1 passed; 0 failed; 0 ignored"), "{report}");
}

#[test]
fn tests_run_by_name_alone_as_nextest_does() {
    let _watchdog = watchdog_after(5 * LONG);
    let report =
        test(&["--exact", "plain", "tests::nested::in_a_module", "tests::an_ordinary_test_beside_them", "--nocapture"]);
    assert!(report.contains("1 passed; 0 failed"), "{report}");
    assert!(report.contains("2 passed; 0 failed"), "{report}");
}

#[test]
fn tests_pass_under_nextest() {
    let _watchdog = watchdog_after(5 * LONG);
    if !Command::new(env!("CARGO")).args(["nextest", "--version"]).output().is_ok_and(|output| output.status.success())
    {
        eprintln!("NOT TESTED: cargo-nextest is not installed");
        return;
    }
    let output = cargo(&["nextest", "run", "--lib", "--test", "kinds", "--no-fail-fast", "--run-ignored", "all"]);
    let report = text(&output.stderr);
    assert!(output.status.success(), "{report}");
    assert!(report.contains("6 tests run: 6 passed"), "{report}");
}
