//! What has no room for an error unwinds.
use carom::{BrokenBarrier, Event, LockTimeoutError, RemoteError, task};
use std::time::Duration;

use crate::common::watchdog;
use crate::stage::{pool_of, the_next_are_not_hit, until_it_has_passed, whoami};
use crate::things::{Call, Things, accepted};

/// Waits twice: when the limit passes, and when it has passed. Whether that ended both.
#[carom::task(soft_timeout = "20ms")]
fn wait_and_catch(things: Things, call: Call) -> [bool; 2] {
    [(); 2].map(|()| task::catch_soft_limit(|| call.wait(&things)).is_err())
}

#[carom::task(soft_timeout = "20ms")]
fn wait(things: Things, call: Call) -> Result<(), RemoteError> {
    call.wait(&things).map_err(RemoteError::from)
}

#[carom::test]
fn each_call_that_waits_is_ended_and_the_task_can_go_on() {
    let _watchdog = watchdog();
    let pool = pool_of(1);
    for call in Call::all() {
        let things = Things::to_be_held().expect("memory");
        let held = things.hold().expect("nobody has them");
        let ended = pool.apply(wait_and_catch, (things.clone(), call)).expect("a result");
        assert_eq!(ended, [true; 2], "{call:?}");
        the_next_are_not_hit(&pool);
        drop(held);
        things.can_be_used();
    }
}

#[carom::test]
fn what_is_not_caught_ends_the_call_and_costs_nothing_else() {
    let _watchdog = watchdog();
    let pool = pool_of(1);
    let worker = pool.apply(whoami, ()).expect("a pid");
    for call in Call::all() {
        let things = Things::to_be_held().expect("memory");
        let held = things.hold().expect("nobody has them");
        let error = pool.apply(wait, (things.clone(), call)).expect_err("the limit");
        assert!(error.is_soft_timeout(), "{call:?}: {error}");
        assert!(error.panic().is_none() && error.worker_lost().is_none() && !error.is_timeout() && !error.is_codec());
        assert_eq!(error.to_string(), "task `limits::waits::wait` was ended by its soft time limit");
        the_next_are_not_hit(&pool);
        drop(held);
        things.can_be_used();
    }
    assert_eq!(pool.apply(whoami, ()).expect("a pid"), worker);
}

#[carom::task(soft_timeout = "1ms")]
fn wait_for_nothing(things: Things, call: Call) -> Result<(), RemoteError> {
    until_it_has_passed();
    call.wait(&things).map_err(RemoteError::from)
}

#[carom::test]
fn what_need_not_wait_succeeds_after_the_limit() {
    let _watchdog = watchdog();
    let pool = pool_of(1);
    for call in Call::FREE {
        let things = Things::free().expect("memory");
        let result = pool.apply(wait_for_nothing, (things, call));
        assert!(matches!(result, Ok(Ok(()))), "{call:?}: {result:?}");
    }
}

/// Gives each the time that it is given; whether it was that, and nothing else, which ended it.
fn timeouts(things: &Things, timeout: Duration) -> bool {
    let Things { lock, rlock, value, array, semaphore, bounded, event, barrier, condition, count, .. } = things;
    let guard = accepted(count.lock());
    let (guard, notified) = condition.wait_timeout(guard, timeout).expect("whole");
    let (guard, ready) = condition.wait_for_timeout(guard, timeout, |count| **count == 1).expect("whole");
    drop(guard);
    barrier.reset();
    matches!(lock.lock_timeout(timeout), Err(LockTimeoutError::Timeout))
        && matches!(rlock.lock_timeout(timeout), Err(LockTimeoutError::Timeout))
        && matches!(value.lock_timeout(timeout), Err(LockTimeoutError::Timeout))
        && matches!(array.lock_timeout(timeout), Err(LockTimeoutError::Timeout))
        && semaphore.acquire_timeout(timeout).is_none()
        && bounded.acquire_timeout(timeout).is_none()
        && !event.wait_timeout(timeout)
        && matches!(barrier.wait_timeout(timeout), Err(BrokenBarrier::TimedOut))
        && !(notified || ready)
}

#[carom::task(soft_timeout = "1h")]
fn time_out(things: Things) -> bool {
    timeouts(&things, Duration::from_millis(1))
}

#[carom::task(soft_timeout = "1ms")]
fn look(things: Things) -> bool {
    until_it_has_passed();
    timeouts(&things, Duration::ZERO)
}

#[carom::test]
fn a_timeout_before_the_limit_is_one() {
    let _watchdog = watchdog();
    let things = Things::to_be_held().expect("memory");
    let _held = things.hold().expect("nobody has them");
    assert!(pool_of(1).apply(time_out, things.clone()).expect("a result"));
}

#[carom::test]
fn who_only_looks_is_not_ended() {
    let _watchdog = watchdog();
    let things = Things::to_be_held().expect("memory");
    let _held = things.hold().expect("nobody has them");
    assert!(pool_of(1).apply(look, things.clone()).expect("a result"));
}

/// Waits where nothing has a limit.
#[carom::task]
fn set(told: Event, go_on: Event) {
    told.set();
    go_on.wait();
}

#[carom::test]
fn without_a_limit_nothing_is_ended() {
    let _watchdog = watchdog();
    let (told, go_on) = (Event::new().expect("memory"), Event::new().expect("memory"));
    let pool = pool_of(1);
    let result = pool.apply_async(set, (told.clone(), go_on.clone()));
    told.wait();
    assert!(!result.wait(Duration::from_millis(50)));
    go_on.set();
    result.get().expect("it went on");
}
