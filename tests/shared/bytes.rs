//! `SharedMemory` without a name.

use std::fs::File;
use std::io::Write;
use std::os::fd::FromRawFd;

use carom::{Fd, MemoryError, Process, ReadOnly, RemoteError, SharedMemory, Untyped, pipe};

use super::common;

const MIB: usize = 1 << 20;

#[carom::task]
fn increment(memory: SharedMemory) -> Result<(), RemoteError> {
    let more: Vec<u8> = memory.to_vec().iter().map(|byte| byte.wrapping_add(1)).collect();
    Ok(memory.write(0, &more)?)
}

#[carom::test]
fn what_one_process_writes_the_other_reads() -> carom::Result<()> {
    let _watchdog = common::watchdog();
    let memory = SharedMemory::create(5)?;
    assert_eq!(memory.to_vec(), [0; 5]);
    memory.write(1, &[10, 20, 30])?;
    Process::spawn(increment, memory.clone())?.join()?.exit_ok()?;
    assert_eq!(memory.to_vec(), [1, 11, 21, 31, 1]);
    assert_eq!(memory.name(), None);
    assert!(matches!(memory.unlink(), Err(MemoryError::Nameless)));
    Ok(())
}

#[test]
fn sizes_that_cannot_be_are_errors() {
    assert!(matches!(SharedMemory::create(0), Err(MemoryError::Empty)));
    for size in [usize::MAX, isize::MAX as usize, 1 << 62, 1 << 55] {
        let error = SharedMemory::create(size).expect_err("it cannot be");
        assert!(matches!(error, MemoryError::TooLarge { size: told } if told == size), "{size}: {error:?}");
    }
    let growable = SharedMemory::growable(1, 1 << 62).expect_err("there are not so many addresses");
    assert!(matches!(growable, MemoryError::TooLarge { .. }), "{growable:?}");
}

#[test]
fn what_is_not_within_is_neither_read_nor_written() -> carom::Result<()> {
    let memory = SharedMemory::create(10)?;
    memory.write(0, &[7; 10])?;
    for (offset, count) in [(10, 1), (0, 11), (5, 6), (usize::MAX, 2), (11, 0)] {
        assert!(memory.write(offset, &vec![1; count]).is_err(), "{offset} {count}");
        assert!(memory.read(offset, &mut vec![1; count]).is_err(), "{offset} {count}");
        assert!(memory.discard(offset..offset.saturating_add(count)).is_err(), "{offset} {count}");
    }
    let error = memory.write(8, &[1; 4]).expect_err("there are two").to_string();
    assert_eq!(error, "8 to 12 is not within the 10 that there are");
    assert_eq!(memory.to_vec(), [7; 10]);
    memory.write(10, &[])?;
    Ok(())
}

#[carom::task]
fn look(memory: SharedMemory<ReadOnly>, first: u8) -> Result<(), RemoteError> {
    let mut byte = [0];
    memory.read(0, &mut byte)?;
    // the address is not writable: that would be the end of this process
    if byte == [first] { Ok(()) } else { Err(RemoteError::msg("it reads something else")) }
}

#[carom::task]
fn write_where_it_cannot(memory: SharedMemory<ReadOnly>) {
    // SAFETY: none: this is what must not be done, and ends the process.
    unsafe { memory.as_ptr().write_volatile(1) };
}

#[carom::test]
fn a_handle_that_only_reads_does_not_write() -> carom::Result<()> {
    let _watchdog = common::watchdog();
    let memory = SharedMemory::create(MIB)?;
    memory.write(0, &[9])?;
    Process::spawn(look, (memory.read_only(), 9))?.join()?.exit_ok()?;
    let status = Process::spawn(write_where_it_cannot, memory.read_only())?.join()?;
    assert_eq!(status.signal(), Some(libc::SIGSEGV));

    // nor does what is received as one that can
    let (here, there) = pipe::<Untyped, Untyped>()?;
    here.send(&memory.read_only())?;
    let error = there.recv::<SharedMemory>().expect_err("it can only be read");
    assert!(format!("{error:?}").contains("SharedMemory<ReadOnly>"), "{error:?}");
    Ok(())
}

#[carom::task]
fn grow(memory: SharedMemory, size: usize) -> Result<(), RemoteError> {
    memory.grow(size)?;
    Ok(memory.write(size - 1, &[5])?)
}

#[carom::test]
fn it_grows_where_it_is_for_all_who_have_it() -> carom::Result<()> {
    let _watchdog = common::watchdog();
    let memory = SharedMemory::growable(10, 64 * MIB)?;
    memory.write(0, b"beginning.")?;
    let address = memory.as_ptr();
    for size in [11, 4096, 4097, 3 * MIB + 1, 64 * MIB] {
        Process::spawn(grow, (memory.clone(), size))?.join()?.exit_ok()?;
        assert_eq!(memory.len(), size);
        let mut last = [0; 2];
        memory.read(size - 2, &mut last)?;
        assert_eq!(last[1], 5, "{size}");
        assert_eq!(memory.as_ptr(), address);
    }
    let mut first = [0; 10];
    memory.read(0, &mut first)?;
    assert_eq!(&first, b"beginning.");
    // it does not become shorter, and not longer than was said
    memory.grow(1)?;
    assert_eq!(memory.len(), 64 * MIB);
    assert!(matches!(memory.grow(64 * MIB + 1), Err(MemoryError::Full { .. })));
    assert!(matches!(SharedMemory::create(10)?.grow(11), Err(MemoryError::Full { most: 10, .. })));
    Ok(())
}

/// How much memory of files this process has in use, in KiB.
fn shared_kib() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("status");
    let line = status.lines().find(|line| line.starts_with("RssShmem:")).expect("a line");
    line.split_whitespace().nth(1).expect("a number").parse().expect("a number")
}

#[carom::task]
fn take_and_discard() {
    let memory = SharedMemory::create(64 * MIB).expect("memory");
    let before = shared_kib();
    memory.write(0, &vec![1; 32 * MIB]).expect("within");
    assert!(shared_kib() > before + 30_000);
    memory.discard(4096..32 * MIB - 1).expect("within");
    assert!(shared_kib() < before + 2_000, "{} {before}", shared_kib());
    let bytes = memory.to_vec();
    assert_eq!((bytes[4095], bytes[4096], bytes[32 * MIB - 2], bytes[32 * MIB - 1]), (1, 0, 0, 1));
}

#[carom::test]
fn memory_that_is_discarded_is_given_back_and_zero() -> carom::Result<()> {
    let _watchdog = common::watchdog();
    Process::spawn(take_and_discard, ())?.join()?.exit_ok()?;
    Ok(())
}

/// As a `SharedMemory` travels.
#[derive(serde::Serialize, serde::Deserialize)]
struct Wire {
    file: Fd<File>,
    most: usize,
    name: Option<String>,
}

#[carom::test]
fn nobody_can_make_it_shorter() -> carom::Result<()> {
    let _watchdog = common::watchdog();
    let memory = SharedMemory::create(MIB)?;
    let (here, there) = pipe::<Untyped, Untyped>()?;
    here.send(&memory)?;
    // the descriptor behind the handle, as a faulty program might get at it
    let Wire { file, .. } = there.recv()?;
    assert!(file.set_len(1).is_err());
    assert!(file.set_len(2 * MIB as u64).is_err());
    assert_eq!(memory.to_vec().len(), MIB);
    Ok(())
}

/// What is received as memory though it is none, or could be made shorter, is refused.
#[carom::test]
fn other_files_are_not_taken_for_memory() -> carom::Result<()> {
    let _watchdog = common::watchdog();
    let path = std::env::temp_dir().join(format!("carom-no-memory-{}", std::process::id()));
    let mut file = File::options().read(true).write(true).create_new(true).open(&path)?;
    std::fs::remove_file(&path)?;
    file.write_all(&[1; 100])?;
    // SAFETY: takes a string and a number.
    let unsealed = unsafe { libc::memfd_create(c"unsealed".as_ptr(), 0) };
    assert!(unsealed >= 0);
    // SAFETY: it was just opened.
    let unsealed = unsafe { File::from_raw_fd(unsealed) };
    unsealed.set_len(100)?;
    let named = Some("name".to_owned());
    for (file, name) in
        [(file.try_clone()?, None), (unsealed.try_clone()?, None), (file, named.clone()), (unsealed, named)]
    {
        let (here, there) = pipe::<Untyped, Untyped>()?;
        let reason = if name.is_none() { "nobody can make shorter" } else { "it is not memory where names are" };
        here.send(&Wire { file: Fd(file), most: 100, name })?;
        let error = there.recv::<SharedMemory>().expect_err("it is none");
        assert!(format!("{error:?}").contains(reason), "{error:?}");
    }
    Ok(())
}
