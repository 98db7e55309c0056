//! Many objects where few descriptors can be open, and processes that are forked, in programs of their own:
//! `tests/programs/memory.rs` and `tests/programs/forks.rs`.
use crate::common::{LONG, run, text, watchdog_after};

const MEMORY: &str = env!("CARGO_BIN_EXE_memory");
const FORKS: &str = env!("CARGO_BIN_EXE_forks");

/// Runs the program where a process can have 256 descriptors open.
#[track_caller]
fn within_limits(program: &str, how: &str) {
    let _watchdog = watchdog_after(3 * LONG);
    let output = run("sh", &["-c", "ulimit -n 256 && exec \"$0\" \"$1\"", program, how]);
    assert!(output.status.success(), "{} {}", output.status, text(&output.stderr));
    assert_eq!((text(&output.stdout).as_str(), text(&output.stderr).as_str()), ("done\n", ""));
}

#[test]
fn many_locks_and_values_are_used_at_once() {
    within_limits(MEMORY, "many");
}

#[test]
fn thousand_handles_are_one_argument() {
    within_limits(MEMORY, "list");
}

#[test]
fn thousands_of_handles_of_one_object_leave_nothing_open() {
    within_limits(MEMORY, "one");
}

#[test]
fn thousands_of_objects_that_come_and_go_take_the_same_places() {
    within_limits(MEMORY, "stream");
}

#[test]
fn thousands_of_objects_that_workers_make_leave_nothing_behind() {
    within_limits(MEMORY, "results");
}

#[test]
fn large_objects_take_descriptors_only_while_they_are_used() {
    within_limits(MEMORY, "large");
}

#[test]
fn too_many_large_ones_are_an_error_and_no_end() {
    within_limits(MEMORY, "too-many");
}

#[test]
fn a_forked_child_frees_nothing_of_its_parent_and_can_make_its_own() {
    within_limits(FORKS, "child");
}

#[test]
fn the_death_of_a_forked_child_is_told() {
    within_limits(FORKS, "holder");
}

#[test]
fn a_process_that_becomes_another_program_while_it_holds_a_lock_is_told_of() {
    within_limits(FORKS, "exec");
}
