//! What the system allows, with nothing around it.
#![allow(unsafe_code)]

use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::ptr::null;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use carom::{Process, RawValue};

use crate::report::{latency, nanoseconds};

type Word = RawValue<AtomicU32>;

fn wait_while(word: &AtomicU32, value: u32) {
    while word.load(SeqCst) == value {
        // SAFETY: the word is borrowed until the call returns.
        unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAIT, value, null::<libc::timespec>()) };
    }
}

fn set(word: &AtomicU32, value: u32) {
    word.store(value, SeqCst);
    // SAFETY: the word is borrowed until the call returns.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAKE, 1) };
}

/// In the first word: the other process is to end.
const END: u32 = u32::MAX;

#[carom::task]
fn answer_by_futex(ask: Word, reply: Word) {
    let mut last = 0;
    loop {
        wait_while(&ask, last);
        last = ask.load(SeqCst);
        if last == END {
            return;
        }
        set(&reply, last);
    }
}

/// Two processes that wake each other in turn, by one system call each, and sleep by another.
pub(crate) fn futex(name: &str) {
    let word = || RawValue::new(AtomicU32::new(0)).expect("memory");
    let (ask, reply) = (word(), word());
    let process = Process::spawn(answer_by_futex, (ask.clone(), reply.clone())).expect("spawn");
    let mut turn = 0;
    latency(name, "limit:futex", 5_000, || {
        turn += 1;
        set(&ask, turn);
        wait_while(&reply, turn - 1);
    });
    set(&ask, END);
    process.join().expect("join").exit_ok().expect("exit");
}

/// glibc's robust mutex between processes, taken and released by one.
pub(crate) fn robust_mutex(name: &str) {
    let mutex = UnsafeCell::new(MaybeUninit::<libc::pthread_mutex_t>::zeroed());
    let mutex = mutex.get().cast::<libc::pthread_mutex_t>();
    let mut attributes = MaybeUninit::uninit();
    let attributes = attributes.as_mut_ptr();
    // SAFETY: there is space for the attributes.
    assert_eq!(unsafe { libc::pthread_mutexattr_init(attributes) }, 0);
    // SAFETY: they are initialised.
    assert_eq!(unsafe { libc::pthread_mutexattr_setpshared(attributes, libc::PTHREAD_PROCESS_SHARED) }, 0);
    // SAFETY: they are initialised.
    assert_eq!(unsafe { libc::pthread_mutexattr_setrobust(attributes, libc::PTHREAD_MUTEX_ROBUST) }, 0);
    // SAFETY: there is space for the mutex, which nobody else knows of.
    assert_eq!(unsafe { libc::pthread_mutex_init(mutex, attributes) }, 0);
    nanoseconds(name, "limit:pthread(shared,robust)", "acquire+release", || {
        // SAFETY: the mutex is initialised, and stays where it is.
        unsafe { libc::pthread_mutex_lock(mutex) };
        // SAFETY: as above.
        unsafe { libc::pthread_mutex_unlock(mutex) };
    });
}
