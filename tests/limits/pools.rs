//! A task that waits for the results of a pool of its own.
use std::time::Duration;

use carom::{AsyncResult, Event, Pool, TaskError, task};

use crate::common::watchdog;
use crate::stage::{HOUR, pool_of, the_next_are_not_hit};

#[carom::task]
fn stay(until: Event) -> u32 {
    until.wait();
    7
}

/// Its limit, and not that of the inner task, which has none.
fn is_ours(error: &TaskError) -> bool {
    let source = std::error::Error::source(error).is_some_and(|source| source.is::<task::SoftTimeLimitExceeded>());
    let text =
        "the result of task `limits::pools::stay` was not there at the soft time limit of the task that waited for it";
    error.is_soft_timeout() && !error.is_timeout() && source && error.to_string().starts_with(text)
}

/// Which of the ways to wait for a result were ended.
#[carom::task(soft_timeout = "20ms")]
fn wait_for_results() -> Vec<bool> {
    let (pool, until) = (pool_of(1), Event::new().expect("memory"));
    let applied = pool.apply(stay, until.clone()).is_err_and(|error| is_ours(&error));
    let result = pool.apply_async(stay, until.clone());
    let got = result.get_timeout(HOUR).is_err_and(|error| is_ours(&error));
    let waited = task::catch_soft_limit(|| result.wait(HOUR)).is_err();
    let looked = !result.ready() && result.get_timeout(Duration::ZERO).is_err_and(|error| error.is_timeout());
    let taken = pool.apply_async(stay, until.clone()).get().is_err_and(|error| is_ours(&error));
    let inputs = || (0..40).map(|_| until.clone());
    let mapped = pool.map(stay, inputs()).is_err_and(|error| is_ours(&error));
    let mut items = pool.imap(stay, inputs());
    let first = items.next().is_some_and(|item| item.is_err_and(|error| is_ours(&error)));
    let last = items.next().is_none() && items.size_hint() == (0, Some(0));
    drop(items);
    until.set();
    let later = loop {
        match result.get_timeout(Duration::ZERO) {
            Err(error) if error.is_timeout() => std::thread::yield_now(),
            other => break matches!(other, Ok(7)),
        }
    };
    vec![applied, got, waited, looked, taken, mapped, first, last, later]
}

#[carom::test]
fn whoever_waits_for_a_result_is_ended_and_the_result_can_be_taken_later() {
    let _watchdog = watchdog();
    let pool = pool_of(1);
    assert_eq!(pool.apply(wait_for_results, ()).expect("a result"), vec![true; 9]);
    the_next_are_not_hit(&pool);
}

#[carom::task(soft_timeout = "10ms")]
fn give_up() {
    Event::new().expect("memory").wait();
}

/// The inner task is ended by its limit, and this one goes on.
#[carom::task(soft_timeout = "1h")]
fn wait_for_one_that_gives_up() -> bool {
    let pool = pool_of(1);
    let result: AsyncResult<()> = pool.apply_async(give_up, ());
    let short = pool.apply_async(stay, Event::new().expect("memory"));
    let timed_out = short.get_timeout(Duration::from_millis(1)).is_err_and(|error| error.is_timeout());
    let error = result.get().expect_err("its limit");
    timed_out && error.is_soft_timeout() && error.task() == "limits::pools::give_up"
}

#[carom::test]
fn the_limit_of_an_inner_call_is_not_that_of_the_outer_one() {
    let _watchdog = watchdog();
    assert!(pool_of(1).apply(wait_for_one_that_gives_up, ()).expect("a result"));
}

#[carom::task(soft_timeout = "1ms")]
fn build_late() -> bool {
    crate::stage::until_it_has_passed();
    let pool = Pool::builder().processes(1).build();
    pool.is_ok_and(|pool| pool.worker_pids().len() == 1)
}

#[carom::test]
fn a_pool_can_be_made_after_the_limit() {
    let _watchdog = watchdog();
    assert!(pool_of(1).apply(build_late, ()).expect("a result"));
}
