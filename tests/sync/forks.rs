//! Processes that are forked without carom, in a program of their own: `tests/programs/forks.rs`.
use crate::common::{run, text, watchdog};

#[test]
fn a_forked_child_gives_nothing_back_that_its_parent_holds() {
    let _watchdog = watchdog();
    let output = run(env!("CARGO_BIN_EXE_forks"), &["permits"]);
    assert!(output.status.success(), "{} {}", output.status, text(&output.stderr));
    assert_eq!(text(&output.stdout), "done\n");
}

#[test]
fn a_forked_child_that_drops_a_copy_of_a_guard_keeps_what_it_has_locked_itself() {
    let _watchdog = watchdog();
    let output = run(env!("CARGO_BIN_EXE_forks"), &["guards"]);
    assert!(output.status.success(), "{} {}", output.status, text(&output.stderr));
    assert_eq!(text(&output.stdout), "done\n");
}
