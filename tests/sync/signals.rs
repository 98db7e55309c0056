//! Signals that a process handles while it waits.
use std::cell::RefCell;
use std::time::Duration;

use carom::{Barrier, Condition, Event, Lock, RawValue, Semaphore};
use serde::{Deserialize, Serialize};

use crate::common::{LONG, eventually, own_tid, until_it_waits, watchdog};
use crate::stage::{asleep, joined, signal};

#[derive(Clone, Serialize, Deserialize)]
enum What {
    Permit(Semaphore),
    Notification(Lock, Condition),
    Meeting(Barrier),
    Flag(Event),
    Free(Lock),
}

extern "C" fn handle(_: libc::c_int) {}

/// Handles a signal in the way that ends system calls, and waits, with a time or without.
#[carom::task]
fn wait_for(wait: (What, Option<Duration>, Event), tid: RawValue<u32>) {
    let (what, time, end) = wait;
    let handler = handle as extern "C" fn(libc::c_int);
    // SAFETY: all fields are numbers.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = handler as usize;
    // SAFETY: the handler does nothing.
    assert_eq!(unsafe { libc::sigaction(libc::SIGUSR1, &raw const action, std::ptr::null_mut()) }, 0);
    tid.store(own_tid());
    match (what, time) {
        (What::Permit(permits), None) => permits.acquire().forget(),
        (What::Permit(permits), Some(time)) => permits.acquire_timeout(time).expect("in time").forget(),
        (What::Notification(lock, changed), None) => drop(changed.wait(lock.lock().expect("whole")).expect("whole")),
        (What::Notification(lock, changed), Some(time)) => {
            assert!(changed.wait_timeout(lock.lock().expect("whole"), time).expect("whole").1);
        }
        (What::Meeting(barrier), None) => drop(barrier.wait().expect("both come")),
        (What::Meeting(barrier), Some(time)) => drop(barrier.wait_timeout(time).expect("both come")),
        (What::Flag(event), None) => event.wait(),
        (What::Flag(event), Some(time)) => assert!(event.wait_timeout(time)),
        (What::Free(lock), None) => drop(lock.lock().expect("whole")),
        (What::Free(lock), Some(time)) => drop(lock.lock_timeout(time).expect("in time")),
    }
    assert!(end.is_set(), "it returned before it was over");
}

/// Whether no signal waits to be handled.
fn is_handled(pid: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it is there");
    let pending = status.lines().filter(|line| line.starts_with("SigPnd:") || line.starts_with("ShdPnd:"));
    pending.into_iter().all(|line| line.ends_with("0000000000000000"))
}

#[track_caller]
fn goes_on_after_signals(what: &What, begin: impl Fn(), end_it: impl Fn()) -> carom::Result<()> {
    for time in [None, Some(LONG), Some(Duration::MAX)] {
        begin();
        let end = Event::new()?;
        let process = asleep(wait_for, (what.clone(), time, end.clone()))?;
        for _ in 0..5 {
            signal(&process, libc::SIGUSR1);
            eventually("it is handled", || is_handled(process.pid()));
            until_it_waits(process.pid());
        }
        assert!(process.is_alive());
        end.set();
        end_it();
        joined(&process);
    }
    Ok(())
}

#[carom::test]
fn a_signal_ends_no_wait_for_a_permit() -> carom::Result<()> {
    let _watchdog = watchdog();
    let permits = Semaphore::new(0)?;
    goes_on_after_signals(
        &What::Permit(permits.clone()),
        || {},
        || {
            permits.release(1);
        },
    )?;
    assert_eq!(permits.available(), 0);
    Ok(())
}

#[carom::test]
fn a_signal_ends_no_wait_for_a_notification() -> carom::Result<()> {
    let _watchdog = watchdog();
    let (lock, changed) = (Lock::new()?, Condition::new()?);
    goes_on_after_signals(
        &What::Notification(lock, changed.clone()),
        || {},
        || {
            assert_eq!(changed.waiting().len(), 1);
            changed.notify(1);
        },
    )
}

#[carom::test]
fn a_signal_ends_no_meeting() -> carom::Result<()> {
    let _watchdog = watchdog();
    let barrier = Barrier::new(2)?;
    goes_on_after_signals(&What::Meeting(barrier.clone()), || {}, || assert_eq!(barrier.wait(), Ok(1)))
}

#[carom::test]
fn a_signal_ends_no_wait_for_an_event() -> carom::Result<()> {
    let _watchdog = watchdog();
    let event = Event::new()?;
    goes_on_after_signals(
        &What::Flag(event.clone()),
        || {},
        || {
            event.set();
            event.clear();
        },
    )
}

#[carom::test]
fn a_signal_ends_no_wait_for_a_lock() -> carom::Result<()> {
    let _watchdog = watchdog();
    let lock = Lock::new()?;
    let guard = RefCell::new(None);
    let take = || drop(guard.replace(Some(lock.lock().expect("whole"))));
    goes_on_after_signals(&What::Free(lock.clone()), take, || drop(guard.take()))
}

/// Waits for what only a death can end, with a signal every few milliseconds.
#[carom::task]
fn wait_for_a_death(what: What, tid: RawValue<u32>) -> Result<(), carom::RemoteError> {
    // SAFETY: the handler does nothing.
    unsafe { libc::signal(libc::SIGALRM, handle as extern "C" fn(libc::c_int) as libc::sighandler_t) };
    let time = libc::timeval { tv_sec: 0, tv_usec: 20_000 };
    let times = libc::itimerval { it_interval: time, it_value: time };
    // SAFETY: the pointer is to what is read; a null pointer is allowed.
    assert_eq!(unsafe { libc::setitimer(libc::ITIMER_REAL, &raw const times, std::ptr::null_mut()) }, 0);
    tid.store(own_tid());
    match what {
        What::Meeting(barrier) => assert!(barrier.wait().is_err()),
        What::Notification(lock, changed) => assert!(changed.wait(lock.lock()?).is_err()),
        What::Permit(permits) => drop(permits.acquire()),
        What::Flag(_) | What::Free(_) => {}
    }
    Ok(())
}

/// Waits at a barrier, or holds a lock or a permit, for ever.
#[carom::task]
fn stay(what: What, stays: Event) {
    let go_on_for_ever = || {
        stays.set();
        loop {
            std::thread::park();
        }
    };
    match what {
        What::Meeting(barrier) => {
            stays.set();
            assert!(barrier.wait().is_err(), "it is killed before");
        }
        What::Notification(lock, _) => {
            let _guard = lock.lock();
            go_on_for_ever();
        }
        What::Permit(permits) => {
            let _permit = permits.acquire();
            go_on_for_ever();
        }
        What::Flag(_) | What::Free(_) => {}
    }
}

#[carom::test]
fn who_is_interrupted_all_the_time_is_told_of_a_death_too() -> carom::Result<()> {
    let _watchdog = watchdog();
    let (barrier, permits) = (Barrier::new(3)?, Semaphore::new(1)?);
    let (lock, changed) = (Lock::new()?, Condition::new()?);
    for what in [What::Meeting(barrier), What::Notification(lock, changed.clone()), What::Permit(permits)] {
        let stays = Event::new()?;
        let is_at_condition = matches!(what, What::Notification(..));
        let tid = RawValue::new(0)?;
        let wait = || carom::Process::spawn(wait_for_a_death, (what.clone(), tid.clone()));
        let mut waiter = None;
        if is_at_condition {
            // it releases the lock, which the other one then dies with
            waiter = Some(wait()?);
            eventually("it waits", || changed.waiting().len() == 1);
        }
        let victim = carom::Process::spawn(stay, (what.clone(), stays.clone()))?;
        stays.wait();
        let waiter = waiter.map_or_else(wait, Ok)?;
        if let What::Meeting(barrier) = &what {
            eventually("both wait", || barrier.n_waiting() == 2);
        }
        victim.kill()?;
        assert!(!victim.join()?.success());
        waiter.join()?.exit_ok()?;
    }
    Ok(())
}
