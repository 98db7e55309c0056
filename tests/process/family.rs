//! Who is whose child, and what children inherit.
use carom::{AuthKey, Process, current_process, parent_process};

use crate::common::{stdout_of, watchdog};

#[carom::task]
fn tell() {
    let (me, parent) = (current_process(), parent_process().expect("a parent"));
    print!("{} {} {} {} {}", me.name(), me.pid(), me.daemon(), parent.name(), parent.pid());
}

#[carom::test]
fn the_main_process_has_no_parent_and_a_key_of_its_own() {
    let me = current_process();
    assert_eq!(me.name(), "MainProcess");
    assert_eq!(me.pid(), std::process::id());
    assert!(!me.daemon());
    assert!(parent_process().is_none());
    assert_eq!(me.authkey().as_bytes().len(), 32);
    assert_eq!(format!("{:?}", me.authkey()), "AuthKey(32 bytes)");
}

#[carom::test]
fn a_child_knows_itself_and_its_parent() {
    let _watchdog = watchdog();
    let (text, _) = stdout_of(Process::builder().name("child"), tell, ());
    let words: Vec<&str> = text.split(' ').collect();
    assert_eq!(words[0], "child");
    assert_ne!(words[1], std::process::id().to_string());
    assert_eq!(words[2..], ["false", "MainProcess", &std::process::id().to_string()]);
}

#[carom::task]
fn tell_of_grandchild(daemon: Option<bool>) {
    let builder = match daemon {
        Some(daemon) => Process::builder().daemon(daemon),
        None => Process::builder(),
    };
    assert!(builder.spawn(tell, ()).expect("spawn").join().expect("join").success());
}

#[carom::test]
fn names_follow_the_lineage() {
    let _watchdog = watchdog();
    let process = Process::spawn(crate::tasks::nothing, ()).expect("spawn");
    let number: u32 = process.name().strip_prefix("Process-").expect("the default name").parse().expect("a number");
    assert!(number > 0);
    let (text, _) = stdout_of(Process::builder(), tell_of_grandchild, None);
    let (child, grandchild) = (text.split(' ').nth(3).expect("words"), text.split(' ').next().expect("words"));
    assert!(child.starts_with("Process-"), "{text}");
    assert_eq!(grandchild, format!("{child}:1"));
}

#[carom::test]
fn being_a_daemon_is_inherited_unless_said_otherwise() {
    let _watchdog = watchdog();
    let daemon = |builder, explicit| {
        let (text, _) = stdout_of(builder, tell_of_grandchild, explicit);
        text.split(' ').nth(2).expect("words").to_owned()
    };
    assert_eq!(daemon(Process::builder(), None), "false");
    assert_eq!(daemon(Process::builder(), Some(true)), "true");
    assert_eq!(daemon(Process::builder().daemon(true), None), "true");
    assert_eq!(daemon(Process::builder().daemon(true), Some(false)), "false");
}

#[carom::task]
fn print_key() {
    for byte in current_process().authkey().as_bytes() {
        print!("{byte:02x}");
    }
}

#[carom::task]
fn print_key_of_grandchild() {
    let _ = Process::spawn(print_key, ()).expect("spawn").join().expect("join");
}

#[carom::test]
fn the_key_is_inherited_unless_another_is_given() {
    let _watchdog = watchdog();
    let hex = |key: &[u8]| key.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert_eq!(
        stdout_of(Process::builder(), print_key_of_grandchild, ()).0,
        hex(current_process().authkey().as_bytes())
    );
    let given = Process::builder().authkey(AuthKey::new(*b"another key"));
    assert_eq!(stdout_of(given, print_key_of_grandchild, ()).0, hex(b"another key"));
}

#[carom::task]
fn descend(depth: u32, path: String) {
    print!("{path} ");
    if depth > 0 {
        for i in 0..2 {
            let process = Process::spawn(descend, (depth - 1, format!("{path}{i}"))).expect("spawn");
            // what std buffers is printed at the end; this process prints nothing more before
            assert!(process.join().expect("join").success());
        }
    }
}

#[carom::test]
fn processes_start_processes() {
    let _watchdog = watchdog();
    let (text, status) = stdout_of(Process::builder(), descend, (2, "r".to_owned()));
    assert!(status.success());
    let mut paths: Vec<&str> = text.split_whitespace().collect();
    paths.sort_unstable();
    assert_eq!(paths, ["r", "r0", "r00", "r01", "r1", "r10", "r11"]);
}

#[carom::test]
fn there_is_at_least_one_cpu() {
    assert!(carom::cpu_count() >= 1);
}
