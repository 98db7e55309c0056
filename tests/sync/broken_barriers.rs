//! Rounds that are broken or reset, by those who live.
use std::time::{Duration, Instant};

use carom::{Barrier, BrokenBarrier, Pool, Process, RawArray};

use crate::common::{eventually, watchdog};
use crate::stage::joined;

type Told = Result<u32, BrokenBarrier>;

/// Waits, and tells what came of it.
#[carom::task]
fn tell(barrier: Barrier) -> Told {
    barrier.wait()
}

/// Others than this process that wait, and what all of them were told.
fn while_others_wait(barrier: &Barrier, others: u32, act: impl FnOnce()) -> carom::Result<Vec<Told>> {
    let pool = Pool::builder().processes(others as usize).build()?;
    let calls: Vec<_> = (0..others).map(|_| pool.apply_async(tell, barrier.clone())).collect();
    eventually("they wait", || barrier.n_waiting() == others);
    act();
    Ok(calls.into_iter().map(|call| call.get().expect("it tells")).collect())
}

#[carom::test]
fn who_waits_and_who_comes_later_is_told_that_it_was_aborted() -> carom::Result<()> {
    let _watchdog = watchdog();
    let barrier = Barrier::new(4)?;
    let told = while_others_wait(&barrier, 3, || barrier.abort())?;
    assert_eq!(told, [Err(BrokenBarrier::Aborted); 3]);
    assert!(barrier.is_broken());
    assert_eq!(
        (barrier.wait(), barrier.wait_timeout(Duration::ZERO)),
        (Err(BrokenBarrier::Aborted), Err(BrokenBarrier::Aborted))
    );
    assert_eq!((barrier.n_waiting(), barrier.wait_with(|| panic!("never done"))), (0, Err(BrokenBarrier::Aborted)));
    assert_eq!(format!("{barrier:?}"), "Barrier { parties: 4, waiting: [], is_broken: true }");
    assert_eq!(BrokenBarrier::Aborted.to_string(), "the barrier is broken: it was aborted");
    Ok(())
}

#[carom::test]
fn who_waits_is_told_that_it_was_reset_and_it_can_be_used_again() -> carom::Result<()> {
    let _watchdog = watchdog();
    let barrier = Barrier::new(3)?;
    for _ in 0..3 {
        let told = while_others_wait(&barrier, 2, || barrier.reset())?;
        assert_eq!(told, [Err(BrokenBarrier::Reset); 2]);
        assert_eq!((barrier.is_broken(), barrier.n_waiting()), (false, 0));
        let mut told = while_others_wait(&barrier, 2, || assert_eq!(barrier.wait(), Ok(2)))?;
        told.sort_by_key(|number| number.expect("all came"));
        assert_eq!(told, [Ok(0), Ok(1)]);
    }
    Ok(())
}

/// Finds a barrier broken, meets the others at another one, one of them resets it, and all use it again.
#[carom::task]
fn recover(barrier: Barrier, second: Barrier, aborts: bool) -> Result<(), BrokenBarrier> {
    if aborts {
        eventually("the others wait", || barrier.n_waiting() == 2);
        barrier.abort();
    } else {
        assert_eq!(barrier.wait(), Err(BrokenBarrier::Aborted));
    }
    if second.wait()? == 0 {
        barrier.reset();
    }
    second.wait()?;
    barrier.wait()?;
    Ok(())
}

#[carom::test]
fn a_broken_barrier_is_made_whole_at_another_one() -> carom::Result<()> {
    let _watchdog = watchdog();
    let [barrier, second] = [Barrier::new(3)?, Barrier::new(3)?];
    for _ in 0..10 {
        let start = |aborts| Process::spawn(recover, (barrier.clone(), second.clone(), aborts));
        let processes = [start(false)?, start(false)?];
        recover(barrier.clone(), second.clone(), true)?;
        processes.iter().for_each(joined);
        assert!(!barrier.is_broken());
    }
    Ok(())
}

#[carom::test]
fn who_waits_for_too_long_breaks_it_for_all() -> carom::Result<()> {
    let _watchdog = watchdog();
    let barrier = Barrier::new(4)?;
    let told = while_others_wait(&barrier, 2, || {
        let (start, time) = (Instant::now(), Duration::from_millis(300));
        assert_eq!(barrier.wait_timeout(time), Err(BrokenBarrier::TimedOut));
        assert!(start.elapsed() >= time);
    })?;
    assert_eq!(told, [Err(BrokenBarrier::TimedOut); 2]);
    // who is late
    assert_eq!(barrier.wait(), Err(BrokenBarrier::TimedOut));
    assert_eq!(BrokenBarrier::TimedOut.to_string(), "the barrier is broken: not all came in time");
    barrier.reset();
    assert_eq!(barrier.wait_timeout(Duration::ZERO), Err(BrokenBarrier::TimedOut));
    assert!(barrier.is_broken());
    Ok(())
}

#[carom::test]
fn a_barrier_has_a_time_for_those_who_do_not_say_one() -> carom::Result<()> {
    let _watchdog = watchdog();
    let time = Duration::from_millis(300);
    let barrier = Barrier::with_timeout(2, time)?;
    let pool = Pool::builder().processes(1).build()?;
    for _ in 0..2 {
        let start = Instant::now();
        assert_eq!(pool.apply(tell, barrier.clone())?, Err(BrokenBarrier::TimedOut));
        assert!(start.elapsed() >= time);
        barrier.reset();
        assert_eq!(barrier.wait_with(|| {}), Err(BrokenBarrier::TimedOut));
        barrier.reset();
    }
    let hasty = Barrier::with_timeout(2, Duration::ZERO)?;
    assert_eq!(hasty.wait(), Err(BrokenBarrier::TimedOut));
    Ok(())
}

#[carom::test]
fn a_panic_in_what_is_done_for_all_breaks_it() -> carom::Result<()> {
    let _watchdog = watchdog();
    let barrier = Barrier::new(3)?;
    let told = while_others_wait(&barrier, 2, || {
        let wait =
            std::panic::AssertUnwindSafe(|| barrier.wait_with(|| std::panic::resume_unwind(Box::new("on purpose"))));
        let panic = std::panic::catch_unwind(wait).expect_err("it panics here, too");
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"on purpose"));
    })?;
    let panicked = BrokenBarrier::Panicked { pid: std::process::id() };
    assert_eq!((told, barrier.wait()), (vec![Err(panicked); 2], Err(panicked)));
    assert_eq!(panicked.to_string(), format!("the barrier is broken: process {} panicked", std::process::id()));
    barrier.reset();
    let told = while_others_wait(&barrier, 2, || _ = barrier.wait())?;
    assert!(told.iter().all(Result::is_ok));
    Ok(())
}

#[test]
fn who_breaks_it_while_something_is_done_for_all_tells_all() -> carom::Result<()> {
    let _watchdog = watchdog();
    let barrier = Barrier::new(2)?;
    let abort: fn(&Barrier) = Barrier::abort;
    for (act, told) in [(abort, BrokenBarrier::Aborted), (Barrier::reset, BrokenBarrier::Reset)] {
        std::thread::scope(|scope| {
            let one = scope.spawn(|| barrier.wait());
            eventually("it waits", || barrier.n_waiting() == 1);
            assert_eq!(barrier.wait_with(|| act(&barrier)), Err(told));
            assert_eq!(one.join().expect("no panic"), Err(told));
        });
        barrier.reset();
    }
    Ok(())
}

#[test]
fn without_anybody_who_waits_it_is_reset_and_aborted_as_well() -> carom::Result<()> {
    let _watchdog = watchdog();
    let barrier = Barrier::new(1)?;
    barrier.reset();
    barrier.abort();
    barrier.abort();
    assert!(barrier.is_broken());
    barrier.reset();
    barrier.reset();
    assert_eq!(barrier.wait(), Ok(0));
    Ok(())
}

/// Notes what each process was told.
#[carom::task]
fn note(barrier: Barrier, told: RawArray<u8>, which: usize) {
    let what = match barrier.wait() {
        Ok(_) => 1,
        Err(BrokenBarrier::Aborted) => 2,
        Err(other) => panic!("{other}"),
    };
    told.set(which, what).expect("it is there");
}

#[carom::test]
fn a_round_that_was_over_stays_so_for_who_wakes_after_the_next_one_was_broken() -> carom::Result<()> {
    let _watchdog = watchdog();
    let (barrier, told) = (Barrier::new(2)?, RawArray::zeroed(1)?);
    for _ in 0..20 {
        told.set(0, 0)?;
        let process = Process::spawn(note, (barrier.clone(), told.clone(), 0))?;
        eventually("it waits", || barrier.n_waiting() == 1);
        assert_eq!(barrier.wait(), Ok(1));
        barrier.abort();
        joined(&process);
        assert_eq!(told.to_vec(), [1]);
        barrier.reset();
    }
    Ok(())
}
