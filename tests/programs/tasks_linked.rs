//! Lists its tasks, and those of the library that it links; then runs one of them that nothing names.
use carom::{Process, Task};
use carom_test_tasks as _;

#[carom::task]
fn own() {}

mod inner {
    #[carom::task(name = "renamed", timeout = "1m30s", soft_timeout = "500ms", retries = 2)]
    pub(crate) fn own(_x: u8) {}
}

#[carom::main]
fn main() -> carom::Result<()> {
    assert_eq!(own::INFO.name(), "tasks_linked::own");
    let mut lines: Vec<String> = carom::task::registered()
        .map(|task| format!("{} {:?} {:?} {}", task.name(), task.timeout(), task.soft_timeout(), task.retries()))
        .collect();
    lines.sort();
    lines.iter().for_each(|line| println!("{line}"));
    assert!(Process::spawn(own, ())?.join()?.success());
    assert!(Process::spawn(inner::own, 1)?.join()?.success());
    Ok(())
}
