//! glibc's mutex between processes, of the robust kind: when the thread that holds it ends, in whatever way, the kernel
//! gives it to the next one, which is told.
//!
//! # Safety
//! A mutex lies in shared memory, is initialised before any other process or thread can know of it, and is not moved.
//! Whoever has a reference to one holds the memory mapped.
#![allow(unsafe_code)]

use std::cell::UnsafeCell;
use std::io;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::{Duration, Instant};

unsafe extern "C" {
    /// Of glibc 2.30; missing in the libc crate.
    fn pthread_mutex_clocklock(
        mutex: *mut libc::pthread_mutex_t,
        clock: libc::clockid_t,
        deadline: *const libc::timespec,
    ) -> libc::c_int;
}

/// How long a thread sleeps before it looks again whether the mutex is free, because a wake-up can be lost: when a waiter
/// is killed after it was woken and before it has the mutex, the kernel wakes the next one only if nobody has taken the
/// mutex meanwhile; and who took it does not know that others wait.
const PATIENCE: Duration = Duration::from_millis(100);

/// A mutex in shared memory.
#[repr(transparent)]
pub(crate) struct RobustMutex(UnsafeCell<libc::pthread_mutex_t>);

// SAFETY: it is made for use by many threads.
unsafe impl Sync for RobustMutex {}

/// What came of trying to lock a mutex.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Locked,
    /// It is locked, and whoever held it before has ended meanwhile.
    OwnerDied,
    /// Somebody else holds it, still.
    Busy,
    /// This very thread holds it.
    Deadlock,
}

impl RobustMutex {
    /// Makes a mutex of these bytes, unlocked.
    ///
    /// # Safety
    /// The memory is writable and aligned, and no process or thread uses it as a mutex.
    pub(crate) unsafe fn init(place: *mut Self) -> io::Result<()> {
        let mut attributes = MaybeUninit::uninit();
        let attributes = attributes.as_mut_ptr();
        // SAFETY: it is space for attributes.
        check(unsafe { libc::pthread_mutexattr_init(attributes) })?;
        // SAFETY: they are initialised.
        check(unsafe { libc::pthread_mutexattr_setpshared(attributes, libc::PTHREAD_PROCESS_SHARED) })?;
        // SAFETY: they are initialised.
        check(unsafe { libc::pthread_mutexattr_setrobust(attributes, libc::PTHREAD_MUTEX_ROBUST) })?;
        // the kind that tells who would wait for itself
        // SAFETY: they are initialised.
        check(unsafe { libc::pthread_mutexattr_settype(attributes, libc::PTHREAD_MUTEX_ERRORCHECK) })?;
        // SAFETY: the caller vouches for the place, and the attributes are initialised.
        check(unsafe { libc::pthread_mutex_init(place.cast(), attributes) })
        // attributes hold nothing that has to be given back, with glibc
    }

    /// Sleeps until it is free.
    pub(crate) fn lock(&self) -> Outcome {
        loop {
            match self.wait(PATIENCE) {
                Outcome::Busy => {}
                outcome => return outcome,
            }
        }
    }

    /// Takes it if it is free.
    #[inline]
    pub(crate) fn try_lock(&self) -> Outcome {
        // SAFETY: it is an initialised mutex in mapped memory.
        self.outcome(unsafe { libc::pthread_mutex_trylock(self.0.get()) })
    }

    /// Sleeps until it is free, but no longer than until `deadline`.
    pub(crate) fn lock_until(&self, deadline: Instant) -> Outcome {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.wait(left.min(PATIENCE)) {
                Outcome::Busy if left > PATIENCE => {}
                outcome => return outcome,
            }
        }
    }

    /// Sleeps until it is free, but no longer than `time`.
    fn wait(&self, time: Duration) -> Outcome {
        let mut now = MaybeUninit::uninit();
        // SAFETY: there is space for the time.
        unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, now.as_mut_ptr()) };
        // SAFETY: this clock always tells the time.
        let now: libc::timespec = unsafe { now.assume_init() };
        let nanoseconds = now.tv_nsec + i64::from(time.subsec_nanos());
        let end = libc::timespec {
            tv_sec: now.tv_sec.saturating_add_unsigned(time.as_secs()).saturating_add(nanoseconds / 1_000_000_000),
            tv_nsec: nanoseconds % 1_000_000_000,
        };
        // SAFETY: it is an initialised mutex in mapped memory, and the time lives until the call returns.
        self.outcome(unsafe { pthread_mutex_clocklock(self.0.get(), libc::CLOCK_MONOTONIC, &end) })
    }

    /// Whether the thread that held it has ended, and nobody has taken it since.
    pub(crate) fn is_left(&self) -> bool {
        // The kernel says so in the word that threads sleep on, which glibc has at the beginning.
        // SAFETY: it is an initialised mutex in mapped memory, whose first word is only changed atomically.
        let word = unsafe { &*self.0.get().cast::<AtomicU32>() };
        word.load(Relaxed) & libc::FUTEX_OWNER_DIED != 0
    }

    /// Unlocks it; nothing happens if this thread has not locked it.
    pub(crate) fn unlock(&self) {
        // SAFETY: it is an initialised mutex in mapped memory, of the kind that refuses to be unlocked by others.
        unsafe { libc::pthread_mutex_unlock(self.0.get()) };
    }

    #[inline]
    fn outcome(&self, result: libc::c_int) -> Outcome {
        match result {
            0 => Outcome::Locked,
            libc::EBUSY | libc::ETIMEDOUT => Outcome::Busy,
            libc::EDEADLK => Outcome::Deadlock,
            error => self.unusual(error),
        }
    }

    #[cold]
    fn unusual(&self, error: libc::c_int) -> Outcome {
        if error != libc::EOWNERDEAD {
            overwritten(error);
        }
        // at once, because a mutex that is unlocked without this can never be locked again
        // SAFETY: this thread has just locked it.
        unsafe { libc::pthread_mutex_consistent(self.0.get()) };
        Outcome::OwnerDied
    }
}

fn overwritten(error: libc::c_int) -> ! {
    panic!("the memory of a lock was overwritten: {}", io::Error::from_raw_os_error(error))
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(result)) }
}
