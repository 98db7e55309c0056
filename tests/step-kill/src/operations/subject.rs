//! A value and its lock, in the states that operations begin from.
//!
//! # Safety
//! A mutex of glibc begins with a word that tells who holds it, and stands at the beginning of an object, 64 bytes before the
//! contents; `free` looks whether that is so. The word is read only, by atomic loads, while there is a handle.

use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::Duration;

use carom::{RawValue, Value};
use carom_step_kill::{Bystander, fork, is_asleep, reap};

use super::victim::Victim;

/// Numbers that are equal but while they are changed.
pub(crate) type Numbers = [u64; 4];

pub(crate) const OLD: Numbers = [1; 4];
pub(crate) const NEW: Numbers = [2; 4];

pub(crate) struct Subject {
    /// Others who wait for the lock.
    pub(crate) line: Vec<Bystander>,
    /// Who holds the lock. It is the first to be dropped, because it has only a copy of the handle.
    pub(crate) holder: Option<Holder>,
    pub(crate) value: Value<Numbers>,
    /// The word of the mutex.
    word: NonNull<AtomicU32>,
    /// Who died before.
    pub(crate) died: Option<u32>,
    /// Who will be killed, when it is about to begin.
    pub(super) victim: Victim,
}

/// What one of those who wait ends with.
pub(crate) const TOLD_NOTHING: u8 = 0;
pub(crate) const TOLD_OF_A_DEATH: u8 = 1;
pub(crate) const FOUND_IT_TORN: u8 = 2;

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

    /// Waits until all who are to wait for the lock do.
    pub(crate) fn see_them_wait(&self) {
        while !self.all_wait() {
            std::thread::yield_now();
        }
    }

    fn all_wait(&self) -> bool {
        self.line.iter().all(|bystander| is_asleep(bystander.pid()))
    }

    /// What one does who waits in line.
    fn take(&self) -> u8 {
        match self.value.lock() {
            Ok(guard) if *guard == OLD || *guard == NEW => TOLD_NOTHING,
            Ok(_) => FOUND_IT_TORN,
            Err(died) => {
                *died.into_guard() = OLD;
                TOLD_OF_A_DEATH
            }
        }
    }

    /// Two who take the lock when `moment` has come, which they await without sleeping.
    fn with_a_line(mut self, moment: impl Fn(&Self) -> bool) -> Self {
        for _ in 0..2 {
            let bystander = Bystander::start(|| {
                while !moment(&self) {
                    std::thread::yield_now();
                }
                self.take()
            });
            self.line.push(bystander);
        }
        self
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
    let subject = Subject { line: Vec::new(), value, word, died: None, holder: None, victim: Victim::new() };
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

/// Nobody holds the lock, and two wait for it as soon as somebody does.
pub(crate) fn free_with_a_line() -> Subject {
    free().with_a_line(|subject| subject.value.as_lock().owner().is_some())
}

/// Another process holds the lock, until it is told to release it.
pub(crate) fn held() -> Subject {
    held_until(free(), |_| false)
}

/// The same, and two others wait for it.
pub(crate) fn held_with_a_line() -> Subject {
    let subject = held().with_a_line(|_| true);
    subject.see_them_wait();
    subject
}

/// Another process holds the lock, until somebody waits for it.
pub(crate) fn held_until_waited_for() -> Subject {
    held_until(free(), Subject::is_waited_for)
}

/// Another process holds the lock, until the one who will be killed waits for it, and behind that one two more.
pub(crate) fn held_until_all_wait() -> Subject {
    let release = RawValue::new(0_u32).expect("memory");
    let subject = free().with_a_line(|subject| subject.victim.sleeps() || release.load() != 0);
    hold(subject, release, |subject| subject.victim.sleeps() && subject.all_wait())
}

fn held_until(subject: Subject, moment: fn(&Subject) -> bool) -> Subject {
    hold(subject, RawValue::new(0).expect("memory"), moment)
}

fn hold(mut subject: Subject, release: RawValue<u32>, moment: fn(&Subject) -> bool) -> Subject {
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
