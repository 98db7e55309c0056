//! Memory in which calls note that they were made.
//!
//! It is a file without a name, which a worker opens by the number of its owner's descriptor: so a request need not bring it.
//!
//! # Safety
//! The memory is mapped for as long as there is a journal, in a worker for ever. It consists of atomics, of which any bytes are a value, and the
//! file is never made shorter.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, RawFd};
use std::ptr::NonNull;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::SeqCst};

pub(crate) struct Journal {
    file: File,
    notes: NonNull<Note>,
    len: usize,
}

/// What is known of a call.
#[repr(C)]
struct Note {
    /// How often it was begun.
    times: AtomicU32,
    /// When it came to its end last, in nanoseconds.
    end: AtomicU64,
}

// SAFETY: it is memory for as long as it lives, and all that is done there is atomic.
unsafe impl Send for Journal {}
// SAFETY: as above.
unsafe impl Sync for Journal {}

impl Journal {
    /// One with room for so many calls.
    pub(crate) fn new(len: usize) -> Self {
        // SAFETY: the name is a string.
        let fd = unsafe { libc::memfd_create(c"step-kill-journal".as_ptr(), libc::MFD_CLOEXEC) };
        assert!(fd >= 0, "memfd_create: {}", io::Error::last_os_error());
        // SAFETY: it has just been opened, and nobody else knows of it.
        let file = unsafe { File::from_raw_fd(fd) };
        file.set_len((len * size_of::<Note>()) as u64).expect("memory");
        Self::map(file)
    }

    /// In a worker, that of the process with the pool, in which it is this descriptor.
    pub(super) fn of_owner(fd: RawFd) -> &'static Self {
        static JOURNAL: OnceLock<Journal> = OnceLock::new();
        JOURNAL.get_or_init(|| {
            let path = format!("/proc/{}/fd/{fd}", std::os::unix::process::parent_id());
            Self::map(File::options().read(true).write(true).open(path).expect("the owner's journal"))
        })
    }

    fn map(file: File) -> Self {
        let length = file.metadata().expect("its length").len() as usize;
        let rights = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: maps new memory.
        let memory = unsafe { libc::mmap(std::ptr::null_mut(), length, rights, libc::MAP_SHARED, file.as_raw_fd(), 0) };
        assert_ne!(memory, libc::MAP_FAILED, "mmap: {}", io::Error::last_os_error());
        let notes = NonNull::new(memory).expect("memory is not at address 0").cast();
        Self { file, notes, len: length / size_of::<Note>() }
    }

    /// By which workers find it.
    pub(crate) fn fd(&self) -> RawFd {
        self.file.as_raw_fd()
    }

    fn notes(&self) -> &[Note] {
        // SAFETY: so many are mapped.
        unsafe { std::slice::from_raw_parts(self.notes.as_ptr(), self.len) }
    }

    /// Counts that this call was made.
    pub(super) fn count(&self, call: u32) {
        self.notes()[call as usize].times.fetch_add(1, SeqCst);
    }

    /// How often this call was made.
    pub(crate) fn times(&self, call: u32) -> u32 {
        self.notes()[call as usize].times.load(SeqCst)
    }

    /// Notes that this call comes to its end.
    pub(super) fn end(&self, call: u32) {
        self.notes()[call as usize].end.store(nanoseconds(), SeqCst);
    }

    /// When this call came to its end, on the clock of [`nanoseconds`]; 0 if it has not.
    pub(super) fn ended(&self, call: u32) -> u64 {
        self.notes()[call as usize].end.load(SeqCst)
    }
}

/// The time on a clock that is the same in all processes.
pub(super) fn nanoseconds() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to memory for a time.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

impl Drop for Journal {
    fn drop(&mut self) {
        // SAFETY: it was mapped so, and nobody has a reference into it any more.
        unsafe { libc::munmap(self.notes.as_ptr().cast(), self.len * size_of::<Note>()) };
    }
}
