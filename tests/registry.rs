//! Which tasks a program has: those that are linked, by name, whatever the optimiser does.

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

use common::{run, text, watchdog, watchdog_after};

const LINKED: &str = "carom_test_tasks::double None None 0\n\
                      library.private None None 3\n\
                      renamed Some(90s) Some(500ms) 2\n\
                      tasks_linked::own None None 0\n";

#[test]
fn tasks_of_a_library_that_nothing_names_are_not_linked() {
    let _watchdog = watchdog();
    let output = run(env!("CARGO_BIN_EXE_tasks_unlinked"), &[]);
    assert_eq!(text(&output.stdout), "tasks_unlinked::own\n");
}

#[test]
fn tasks_of_a_library_under_use_are_linked() {
    let _watchdog = watchdog();
    let output = run(env!("CARGO_BIN_EXE_tasks_linked"), &[]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), LINKED);
}

#[test]
fn no_task_is_dropped_by_link_time_optimisation() {
    let _watchdog = watchdog_after(15 * common::LONG);
    for lto in ["\"off\"", "\"thin\"", "\"fat\""] {
        let target = target().join("lto");
        let build = Command::new(env!("CARGO"))
            .args(["build", "--release", "--quiet", "--bin", "tasks_linked", "--bin", "tasks_unlinked"])
            .args(["--config", &format!("profile.release.lto={lto}"), "--target-dir"])
            .arg(&target)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .expect("cargo");
        assert!(build.status.success(), "lto={lto}: {}", text(&build.stderr));
        let output = run(target.join("release/tasks_linked"), &[]);
        assert!(output.status.success(), "lto={lto}: {}", text(&output.stderr));
        assert_eq!(text(&output.stdout), LINKED, "lto={lto}");
        let output = run(target.join("release/tasks_unlinked"), &[]);
        assert_eq!(text(&output.stdout), "tasks_unlinked::own\n", "lto={lto}");
    }
}

/// The target directory of this run, so that builds of tests end up beside it.
fn target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).to_owned()
}
