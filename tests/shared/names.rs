//! `SharedMemory` and `ShareableList` under names.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use carom::{MemoryError, Process, ReadOnly, RemoteError, SharedMemory};

use super::common::{self, eventually};

/// A name that no other test has.
pub fn name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("carom-test-{}-{}", std::process::id(), COUNT.fetch_add(1, Relaxed))
}

pub fn file(name: &str) -> PathBuf {
    Path::new("/dev/shm").join(name)
}

#[carom::task]
fn answer(name: String) -> Result<(), RemoteError> {
    let memory = SharedMemory::attach(&name)?;
    Ok(memory.write(4, b"pong")?)
}

#[carom::test]
fn others_attach_by_name_and_do_not_remove_it() -> carom::Result<()> {
    let _watchdog = common::watchdog();
    let name = name();
    let memory = SharedMemory::create_named(&name, 8)?;
    assert_eq!((memory.name(), memory.len()), (Some(&*name), 8));
    memory.write(0, b"ping")?;
    // a process that attaches, and ends
    Process::spawn(answer, name.clone())?.join()?.exit_ok()?;
    assert_eq!(memory.to_vec(), b"pingpong");
    drop(SharedMemory::attach(&name)?);
    drop(SharedMemory::<ReadOnly>::attach_read_only(&name)?);
    assert!(file(&name).exists());
    // without a handle, too
    drop(memory);
    assert_eq!(SharedMemory::attach(&name)?.to_vec(), b"pingpong");
    SharedMemory::attach(&name)?.unlink()?;
    assert!(!file(&name).exists());
    Ok(())
}

#[test]
fn a_name_is_removed_once_and_the_memory_stays_for_those_who_have_it() -> carom::Result<()> {
    let name = name();
    let memory = SharedMemory::create_named(&name, 100)?;
    let other = SharedMemory::attach(&name)?;
    memory.unlink()?;
    for memory in [&memory, &other] {
        let error = memory.unlink().expect_err("it is gone");
        assert!(matches!(&error, MemoryError::NotFound { name: told } if *told == name), "{error:?}");
    }
    other.write(0, &[3])?;
    assert_eq!(memory.to_vec()[0], 3);
    // the name can be that of another one, which is not removed by those who had it before
    let new = SharedMemory::create_named(&name, 10)?;
    assert!(matches!(memory.unlink(), Err(MemoryError::NotFound { .. })));
    assert_eq!(SharedMemory::attach(&name)?.len(), 10);
    new.unlink()?;
    Ok(())
}

#[test]
fn a_name_is_taken_once() -> carom::Result<()> {
    let name = name();
    let memory = SharedMemory::create_named(&name, 10)?;
    let error = SharedMemory::create_named(&name, 20).expect_err("it is taken");
    assert_eq!(error.to_string(), format!("there is shared memory with the name {name:?} already"));
    assert_eq!(SharedMemory::attach(&name)?.len(), 10);
    memory.unlink()?;
    let error = SharedMemory::attach(&name).expect_err("it is gone");
    assert_eq!(error.to_string(), format!("there is no shared memory with the name {name:?}"));
    Ok(())
}

#[test]
fn what_cannot_be_a_name_is_told() {
    let long = "n".repeat(256);
    let cases = ["", "/", ".", "..", "a/b", "../x", "//a", "nul\0byte", &long];
    for name in cases {
        for result in [SharedMemory::create_named(name, 8), SharedMemory::attach(name)] {
            let error = result.expect_err("it cannot be a name");
            assert!(matches!(error, MemoryError::BadName { .. }), "{name:?}: {error:?}");
        }
    }
    assert!(matches!(SharedMemory::create_named(&name(), 0), Err(MemoryError::Empty)));
}

#[test]
fn too_much_for_the_place_of_names_is_an_error_and_leaves_nothing() {
    let name = name();
    let error = SharedMemory::create_named(&name, 1 << 50).expect_err("there is not so much");
    let MemoryError::NoSpace { size, free: Some(free) } = error else { panic!("{error:?}") };
    assert!(size == 1 << 50 && free < 1 << 50);
    assert!(!file(&name).exists());
}

#[test]
fn other_things_in_that_place_are_not_attached_to() -> carom::Result<()> {
    let (empty, link) = (name(), name());
    std::fs::File::create(file(&empty))?;
    std::os::unix::fs::symlink("/etc/passwd", file(&link))?;
    let (at_empty, at_link) = (SharedMemory::attach(&empty), SharedMemory::attach(&link));
    std::fs::remove_file(file(&empty))?;
    std::fs::remove_file(file(&link))?;
    assert!(matches!(at_empty, Err(MemoryError::Unfit { .. })), "{at_empty:?}");
    assert!(at_link.is_err());
    Ok(())
}

#[carom::task]
fn write_first(memory: SharedMemory, byte: u8) -> Result<Option<String>, RemoteError> {
    memory.write(0, &[byte])?;
    Ok(memory.name().map(str::to_owned))
}

#[carom::test]
fn a_handle_of_named_memory_travels_without_the_name() -> carom::Result<()> {
    let _watchdog = common::watchdog();
    let name = name();
    let memory = SharedMemory::create_named(&name, 1)?;
    memory.unlink()?;
    let pool = carom::Pool::builder().processes(1).build()?;
    assert_eq!(pool.apply(write_first, (memory.clone(), 77))??, Some(name));
    assert_eq!(memory.to_vec(), [77]);
    Ok(())
}

/// A program that owns a name, once it has it.
fn owner(how: &str, name: &str) -> Child {
    let mut child = Command::new(env!("CARGO_BIN_EXE_names"))
        .args([how, name])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().expect("piped")).read_line(&mut line).expect("a line");
    assert_eq!(line, "ready\n");
    assert!(file(name).exists());
    child
}

#[test]
fn an_owned_name_ends_with_its_process_however_that_ends() {
    let _watchdog = common::watchdog();
    for how in ["return", "exit", "abort", "panic", "drop", "task"] {
        let name = name();
        let mut child = owner(how, &name);
        child.stdin.take().expect("piped").write_all(b"go\n").expect("it reads");
        child.wait().expect("it ends");
        eventually(how, || !file(&name).exists());
    }
    for signal in [libc::SIGKILL, libc::SIGTERM, libc::SIGINT] {
        let name = name();
        let mut child = owner("wait", &name);
        let other = SharedMemory::attach(&name).expect("it is there");
        // SAFETY: takes integers; the process has not been waited for.
        unsafe { libc::kill(child.id() as libc::pid_t, signal) };
        child.wait().expect("it ends");
        eventually("the name is removed", || !file(&name).exists());
        assert_eq!(other.to_vec(), b"owned");
    }
}

#[test]
fn the_keeper_of_names_may_be_killed() {
    let _watchdog = common::watchdog();
    let name = name();
    let mut child = owner("killed-keeper", &name);
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    // both: the one that was made before the keeper was killed, and the one that was made after
    eventually("the names are removed", || !file(&name).exists() && !file(&format!("{name}-2")).exists());
}

#[carom::test]
fn an_owned_name_is_removed_with_the_last_handle() -> carom::Result<()> {
    let _watchdog = common::watchdog();
    let name = name();
    let memory = SharedMemory::create_owned(&name, 5)?;
    let second = memory.clone();
    drop(memory);
    assert!(file(&name).exists());
    let children: Vec<_> = carom::active_children().iter().map(|child| child.name().to_owned()).collect();
    assert!(!children.iter().any(|name| name.contains("keeper")), "{children:?}");
    drop(second);
    assert!(!file(&name).exists());
    // a failure does not remove what another one has
    let other = SharedMemory::create_named(&name, 5)?;
    assert!(matches!(SharedMemory::create_owned(&name, 5), Err(MemoryError::Exists { .. })));
    assert!(file(&name).exists());
    other.unlink()?;
    Ok(())
}
