//! A party that the limit takes away breaks the round, as one that waits for too long.
use carom::{Barrier, BrokenBarrier, Event, task};

use crate::common::{eventually, watchdog};
use crate::stage::{pool_of, until_it_has_passed};

#[carom::task(soft_timeout = "20ms")]
fn meet(barrier: Barrier) -> Result<u32, BrokenBarrier> {
    barrier.wait()
}

#[carom::test]
fn the_others_are_told_that_not_all_came_in_time() {
    let _watchdog = watchdog();
    let pool = pool_of(1);
    let barrier = Barrier::new(3).expect("memory");
    std::thread::scope(|scope| {
        let other = scope.spawn(|| barrier.wait());
        // or it finds it broken
        eventually("it waits", || barrier.n_waiting() == 1 || barrier.is_broken());
        assert!(pool.apply(meet, barrier.clone()).expect_err("the limit").is_soft_timeout());
        assert_eq!(other.join().expect("no panic"), Err(BrokenBarrier::TimedOut));
    });
    assert!(barrier.is_broken());
    assert_eq!(pool.apply(meet, barrier.clone()).expect("a result"), Err(BrokenBarrier::TimedOut), "it need not wait");
    barrier.reset();
    assert!(!barrier.is_broken() && barrier.n_waiting() == 0);
}

#[carom::task(soft_timeout = "1ms")]
fn come_last(barrier: Barrier) -> Result<u32, BrokenBarrier> {
    until_it_has_passed();
    barrier.wait()
}

#[carom::test]
fn who_comes_last_need_not_wait() {
    let _watchdog = watchdog();
    let barrier = Barrier::new(2).expect("memory");
    std::thread::scope(|scope| {
        let other = scope.spawn(|| barrier.wait());
        eventually("it waits", || barrier.n_waiting() == 1);
        assert_eq!(pool_of(1).apply(come_last, barrier.clone()).expect("a result"), Ok(1));
        assert_eq!(other.join().expect("no panic"), Ok(0));
    });
}

#[carom::task(soft_timeout = "1ms")]
fn wait_in_the_action(barrier: Barrier, never: Event) -> Result<u32, BrokenBarrier> {
    barrier.wait_with(|| never.wait())
}

#[carom::test]
fn what_is_done_for_all_can_be_ended_and_breaks_the_round() {
    let _watchdog = watchdog();
    let (barrier, never) = (Barrier::new(2).expect("memory"), Event::new().expect("memory"));
    std::thread::scope(|scope| {
        let other = scope.spawn(|| barrier.wait());
        eventually("it waits", || barrier.n_waiting() == 1);
        let error = pool_of(1).apply(wait_in_the_action, (barrier.clone(), never)).expect_err("the limit");
        assert!(error.is_soft_timeout(), "{error}");
        assert!(matches!(other.join().expect("no panic"), Err(BrokenBarrier::Panicked { .. })));
    });
}

/// Is the last one, and goes on doing something for all.
#[carom::task]
fn hold_up(barrier: Barrier, go_on: Event) -> Result<u32, BrokenBarrier> {
    barrier.wait_with(|| go_on.wait())
}

#[carom::task(soft_timeout = "20ms")]
fn come_too_many(barrier: Barrier) -> bool {
    task::catch_soft_limit(|| barrier.wait()).is_err()
}

#[carom::test]
fn who_has_not_even_arrived_breaks_nothing() {
    let _watchdog = watchdog();
    let pool = pool_of(2);
    let (barrier, go_on) = (Barrier::new(1).expect("memory"), Event::new().expect("memory"));
    let first = pool.apply_async(hold_up, (barrier.clone(), go_on.clone()));
    eventually("it has come", || barrier.n_waiting() == 1);
    assert!(pool.apply(come_too_many, barrier.clone()).expect("a result"));
    assert!(!barrier.is_broken());
    go_on.set();
    assert_eq!(first.get().expect("a result"), Ok(0));
}
