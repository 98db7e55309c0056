//! A value and its lock, in the states that operations begin from.
//!
//! # Safety
//! A mutex of glibc begins with a word that tells who holds it, and stands at the beginning of an object, 64 bytes before the
//! contents; `free` looks whether that is so. The word is read only, by atomic loads, while there is a handle.

use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::Duration;

use carom::{RawValue, Value};
use carom_step_kill::{fork, reap};

/// Numbers that are equal but while they are changed.
pub(crate) type Numbers = [u64; 4];

pub(crate) const OLD: Numbers = [1; 4];
pub(crate) const NEW: Numbers = [2; 4];

pub(crate) struct Subject {
    /// Who holds the lock. It is the first to be dropped, because it has only a copy of the handle.
    pub(crate) holder: Option<Holder>,
    pub(crate) value: Value<Numbers>,
    /// The word of the mutex.
    word: NonNull<AtomicU32>,
    /// Who died before.
    pub(crate) died: Option<u32>,
}

/// Another process, which holds the lock until this is dropped, or earlier.
pub(crate) struct Holder {
    pub(crate) pid: u32,
    /// Tells it to release the lock.
    release: RawValue<u32>,
}

impl Drop for Holder {
    fn drop(&mut self) {
        self.release.store(1);
        // if it panicked, the lock tells so
        reap(self.pid);
    }
}

/// In the word: somebody waits.
const WAITERS: u32 = 1 << 31;

impl Subject {
    fn word(&self) -> u32 {
        // SAFETY: it is in memory that the value's handle keeps mapped.
        unsafe { self.word.as_ref() }.load(SeqCst)
    }

    /// What the mutex itself says: who holds it, by the number of a thread, or that its holder died; 0 if it is free.
    pub(crate) fn held_by(&self) -> u32 {
        self.word() & !WAITERS
    }

    fn is_waited_for(&self) -> bool {
        self.word() & WAITERS != 0
    }
}

/// Nobody holds the lock.
pub(crate) fn free() -> Subject {
    let value = Value::new(OLD).expect("memory");
    let guard = value.lock().expect("nobody died yet");
    let word = NonNull::from(&*guard).cast::<AtomicU32>();
    // SAFETY: an object begins there, of which the value is the contents.
    let word = unsafe { word.byte_sub(64) };
    drop(guard);
    let subject = Subject { value, word, died: None, holder: None };
    let guard = subject.value.lock().expect("nobody died yet");
    assert_ne!(subject.held_by(), 0, "the mutex is not where it was");
    drop(guard);
    assert_eq!(subject.held_by(), 0, "the mutex is not where it was");
    subject
}

/// A process died while it held the lock, and changed the value.
pub(crate) fn orphaned() -> Subject {
    let mut subject = free();
    let pid = fork(|| {
        let mut guard = subject.value.lock().expect("nobody died yet");
        guard[0] += 1;
        std::mem::forget(guard);
    });
    assert!(reap(pid), "the process that should have died with the lock");
    subject.died = Some(pid);
    subject
}

/// Another process holds the lock, until it is told to release it.
pub(crate) fn held() -> Subject {
    held_until(|_| false)
}

/// Another process holds the lock, until somebody waits for it.
pub(crate) fn held_until_waited_for() -> Subject {
    held_until(Subject::is_waited_for)
}

fn held_until(moment: fn(&Subject) -> bool) -> Subject {
    let mut subject = free();
    let release = RawValue::new(0_u32).expect("memory");
    let pid = fork(|| {
        let guard = subject.value.lock().expect("nobody died yet");
        while release.load() == 0 && !moment(&subject) {
            std::thread::sleep(Duration::from_micros(50));
        }
        drop(guard);
    });
    while subject.value.as_lock().owner() != Some(pid) {
        std::thread::yield_now();
    }
    subject.holder = Some(Holder { pid, release });
    subject
}
