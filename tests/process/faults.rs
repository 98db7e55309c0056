//! Starts that fail: foreign programs, other builds, and a system that has nothing left to give.
use carom::{JoinError, Process, SpawnError};

use crate::common::{descriptors, watchdog};
use crate::tasks::{forever, nothing};

#[carom::test]
fn a_program_that_is_not_there_is_an_error_of_the_start() {
    let error = Process::builder().executable("/no/such/program").spawn(nothing, ()).expect_err("no such file");
    assert!(matches!(&error, SpawnError::Execute { source, .. } if source.kind() == std::io::ErrorKind::NotFound));
    assert_eq!(error.to_string(), "cannot execute \"/no/such/program\"");
    // what `main` and `unwrap` print
    let printed = format!("{:?}", carom::Error::from(error));
    assert_eq!(printed, "cannot execute \"/no/such/program\": No such file or directory (os error 2)");
}

#[carom::test]
fn a_program_that_is_not_ours_is_an_error_of_the_join() {
    let _watchdog = watchdog();
    let process = Process::builder().executable("/bin/true").spawn(nothing, ()).expect("spawn");
    let error = process.join().expect_err("it knows nothing of carom");
    assert!(matches!(&error, JoinError::NotStarted { status, reason: None, .. } if status.success()));
    assert!(error.to_string().contains("ended (exit code 0) before its task ran"), "{error}");
    assert_eq!(process.exit_status().and_then(|status| status.code()), Some(0));
}

#[carom::test]
fn another_build_is_refused() {
    let _watchdog = watchdog();
    let other = env!("CARGO_BIN_EXE_tasks_linked");
    let process = Process::builder().executable(other).spawn(nothing, ()).expect("spawn");
    let error = process.join().expect_err("another program");
    assert!(error.to_string().contains("the parent is another build of the program"), "{error}");
}

#[carom::test]
fn a_copy_of_the_program_is_the_same_build() {
    let _watchdog = watchdog();
    let copy = std::env::temp_dir().join(format!("carom-copy-{}", std::process::id()));
    // written by a process of its own: a child that another test starts meanwhile would hold it open for writing
    let copied = std::process::Command::new("cp").arg(std::env::current_exe().expect("a path")).arg(&copy).status();
    assert!(copied.expect("cp").success());
    let process = Process::builder().executable(&copy).spawn(nothing, ());
    std::fs::remove_file(&copy).expect("remove");
    assert!(process.expect("spawn").join().expect("join").success());
}

/// Lowers a limit of this process, which is one of its own.
fn limit(resource: libc::__rlimit_resource_t, most: u64) {
    let limit = libc::rlimit { rlim_cur: most, rlim_max: most };
    // SAFETY: the pointer is to a valid structure.
    assert_eq!(unsafe { libc::setrlimit(resource, &limit) }, 0);
}

/// At every number of free descriptors, a start succeeds or is an error, and leaves nothing behind.
#[carom::task]
fn run_out_of_descriptors() {
    // what is opened once and kept
    let _ = Process::spawn(nothing, ()).expect("spawn").join().expect("join");
    let before = descriptors("self");
    let highest = before.last().expect("some").0 as u64;
    let (mut failed, mut succeeded) = (0, 0);
    for most in (highest + 1..highest + 12).rev() {
        limit(libc::RLIMIT_NOFILE, most);
        match Process::spawn(nothing, ()) {
            Ok(process) => {
                succeeded += 1;
                // the child has the limit too, and may not get its own descriptors
                drop(process.join());
            }
            Err(SpawnError::Os { source, .. }) => {
                failed += 1;
                assert_eq!(source.raw_os_error(), Some(libc::EMFILE));
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert!(failed > 0 && succeeded > 0, "{failed} {succeeded}");
    assert!(carom::active_children().is_empty());
    assert_eq!(crate::common::zombies(), []);
}

#[carom::test]
fn a_start_without_descriptors_is_an_error() {
    let _watchdog = watchdog();
    assert!(Process::spawn(run_out_of_descriptors, ()).expect("spawn").join().expect("join").success());
}

#[carom::task]
fn run_out_of_memory() {
    limit(libc::RLIMIT_AS, 1 << 20);
    let error = Process::spawn(nothing, ()).expect_err("no memory for the stack of the start");
    assert!(matches!(error, SpawnError::Os { .. }), "{error:?}");
}

#[carom::test]
fn a_start_without_memory_is_an_error() {
    let _watchdog = watchdog();
    assert!(Process::spawn(run_out_of_memory, ()).expect("spawn").join().expect("join").success());
}

#[carom::task]
fn run_out_of_file_size(_arguments: Vec<u8>) {
    limit(libc::RLIMIT_FSIZE, 1000);
    let error = Process::spawn(run_out_of_file_size, vec![0; 100_000]).expect_err("arguments larger than any file");
    let SpawnError::Os { source, .. } = error else { panic!("{error}") };
    assert_eq!(source.raw_os_error(), Some(libc::EFBIG));
    // small ones need no file
    Process::spawn(nothing, ()).expect("spawn").join().expect("join").exit_ok().expect("success");
}

#[carom::test]
fn arguments_beyond_the_limit_for_files_are_an_error() {
    let _watchdog = watchdog();
    let process = Process::spawn(run_out_of_file_size, Vec::new()).expect("spawn");
    process.join().expect("join").exit_ok().expect("success");
}

#[carom::test]
fn a_script_that_would_lose_the_marker_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let script = std::env::temp_dir().join(format!("carom-script-{}", std::process::id()));
    std::fs::write(&script, "#!/bin/sh\nexec /proc/1/exe \"$@\"\n").expect("write");
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).expect("chmod");
    let refused = Process::builder().executable(&script).spawn(nothing, ());
    std::fs::remove_file(&script).expect("remove");
    let error = refused.expect_err("a script");
    assert!(format!("{error:?}").ends_with("it is a script, and not this program"), "{error:?}");
}

#[carom::test]
fn an_environment_too_large_for_exec_is_an_error() {
    let _watchdog = watchdog();
    let huge = "x".repeat(200 << 10);
    let error = Process::builder().env("HUGE", huge).spawn(nothing, ()).expect_err("one variable has 128 KiB at most");
    assert!(
        matches!(&error, SpawnError::Execute { source, .. } if source.raw_os_error() == Some(libc::E2BIG)),
        "{error}"
    );
}

#[carom::test]
fn a_child_killed_at_any_moment_of_its_start_is_told_by_its_signal() {
    let _watchdog = watchdog();
    for microseconds in (0..2000).step_by(40) {
        let process = Process::spawn(forever, ()).expect("spawn");
        let start = std::time::Instant::now();
        while start.elapsed().as_micros() < microseconds {
            std::hint::spin_loop();
        }
        process.kill().expect("kill");
        assert_eq!(process.join().expect("killed").signal(), Some(libc::SIGKILL));
    }
}
