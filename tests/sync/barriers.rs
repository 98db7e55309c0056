//! Parties that wait for each other, and all come.
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use carom::{Barrier, BrokenBarrier, Process, RawArray, RawValue};

use crate::common::{LONG, eventually, watchdog, watchdog_after};
use crate::stage::joined;

/// Meets the others so many times; nobody is ever ahead by more than one round.
#[carom::task]
fn meet(barrier: Barrier, rounds: RawArray<AtomicU64>, which: usize, times: u64) -> Result<(), BrokenBarrier> {
    for round in 1..=times {
        rounds[which].store(round, SeqCst);
        barrier.wait()?;
        let others: Vec<u64> = rounds.iter().map(|round| round.load(SeqCst)).collect();
        assert!(others.iter().all(|other| *other == round || *other == round + 1), "{others:?} in round {round}");
    }
    Ok(())
}

#[track_caller]
fn all_meet(parties: u32, times: u64) -> carom::Result<()> {
    let (barrier, rounds) = (Barrier::new(parties)?, RawArray::from_fn(parties as usize, |_| AtomicU64::new(0))?);
    let start = |which| Process::spawn(meet, (barrier.clone(), rounds.clone(), which, times));
    let processes: Vec<_> = (1..parties as usize).map(start).collect::<Result<_, _>>()?;
    meet(barrier.clone(), rounds.clone(), 0, times)?;
    processes.iter().for_each(joined);
    assert_eq!((barrier.parties(), barrier.n_waiting(), barrier.is_broken()), (parties, 0, false));
    Ok(())
}

#[carom::test]
fn all_pass_once_all_have_come() -> carom::Result<()> {
    let _watchdog = watchdog();
    all_meet(5, 1)
}

#[carom::test]
fn five_processes_pass_a_thousand_times_in_lock_step() -> carom::Result<()> {
    let _watchdog = watchdog_after(5 * LONG);
    all_meet(5, 1000)
}

#[test]
fn one_party_never_waits() -> carom::Result<()> {
    let _watchdog = watchdog();
    let barrier = Barrier::new(1)?;
    let mut done = 0;
    for _ in 0..100 {
        assert_eq!(barrier.wait(), Ok(0));
        assert_eq!(barrier.wait_timeout(Duration::ZERO), Ok(0));
        assert_eq!(barrier.wait_with(|| done += 1), Ok(0));
    }
    assert_eq!(done, 100);
    Ok(())
}

#[test]
#[should_panic(expected = "a barrier needs a party")]
fn there_is_no_barrier_without_parties() {
    let _ = Barrier::new(0);
}

#[test]
fn hundred_threads_are_parties() -> carom::Result<()> {
    let _watchdog = watchdog();
    let (barrier, sum) = (Barrier::new(100)?, AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..100 {
            scope.spawn(|| {
                for _ in 0..5 {
                    sum.fetch_add(barrier.wait().expect("all come").into(), SeqCst);
                }
            });
        }
    });
    // each had another number in each round
    assert_eq!((sum.into_inner(), barrier.n_waiting()), (5 * (0..100).sum::<u64>(), 0));
    Ok(())
}

/// Notes the number that it gets, and what it saw of what the last one did.
#[carom::task]
fn number(barrier: Barrier, numbers: RawArray<AtomicU64>, actions: RawValue<AtomicU64>, rounds: u64) {
    for round in 1..=rounds {
        let mine = barrier.wait_with(|| _ = actions.fetch_add(1, SeqCst)).expect("all come");
        assert_eq!(actions.load(SeqCst), round, "it was done once before anybody went on");
        numbers[mine as usize].fetch_add(1, SeqCst);
        barrier.wait().expect("all come");
    }
}

#[carom::test]
fn each_has_another_number_and_the_last_one_does_something_for_all() -> carom::Result<()> {
    let _watchdog = watchdog();
    let (barrier, actions) = (Barrier::new(4)?, RawValue::new(AtomicU64::new(0))?);
    let numbers = RawArray::from_fn(4, |_| AtomicU64::new(0))?;
    let start = |_| Process::spawn(number, (barrier.clone(), numbers.clone(), actions.clone(), 50));
    let processes: Vec<_> = (0..3).map(start).collect::<Result<_, _>>()?;
    number(barrier.clone(), numbers.clone(), actions.clone(), 50);
    processes.iter().for_each(joined);
    assert!(numbers.iter().all(|times| times.load(SeqCst) == 50));
    assert_eq!(actions.load(SeqCst), 50);
    Ok(())
}

#[carom::task]
fn wait(barrier: Barrier) -> Result<(), BrokenBarrier> {
    barrier.wait()?;
    Ok(())
}

#[carom::test]
fn all_see_who_waits() -> carom::Result<()> {
    let _watchdog = watchdog();
    let barrier = Barrier::new(3)?;
    assert_eq!(format!("{barrier:?}"), "Barrier { parties: 3, waiting: [], is_broken: false }");
    let mut pids = Vec::new();
    let mut processes = Vec::new();
    for count in 1..3 {
        let process = Process::spawn(wait, barrier.clone())?;
        eventually("one more waits", || barrier.n_waiting() == count);
        pids.push(process.pid());
        processes.push(process);
    }
    assert_eq!(barrier.waiting(), pids);
    assert_eq!(format!("{barrier:?}"), format!("Barrier {{ parties: 3, waiting: {pids:?}, is_broken: false }}"));
    // it was the last one to come
    assert_eq!(barrier.wait(), Ok(2));
    processes.iter().for_each(joined);
    assert_eq!((barrier.n_waiting(), barrier.waiting()), (0, vec![]));
    Ok(())
}

#[carom::test]
fn a_time_that_is_not_over_does_no_harm() -> carom::Result<()> {
    let _watchdog = watchdog();
    for barrier in [Barrier::new(2)?, Barrier::with_timeout(2, LONG)?, Barrier::with_timeout(2, Duration::MAX)?] {
        for time in [LONG, Duration::from_secs(1 << 62), Duration::MAX] {
            let process = Process::spawn(wait, barrier.clone())?;
            barrier.wait_timeout(time)?;
            joined(&process);
        }
    }
    Ok(())
}

#[test]
fn more_come_than_there_are_parties_and_wait_for_the_next_round() -> carom::Result<()> {
    let _watchdog = watchdog();
    let barrier = Barrier::new(2)?;
    std::thread::scope(|scope| {
        let (sender, receiver) = std::sync::mpsc::channel::<()>();
        let one = scope.spawn(|| barrier.wait());
        eventually("it waits", || barrier.n_waiting() == 1);
        // the last one of the first round takes its time
        let two = scope.spawn(|| barrier.wait_with(move || _ = receiver.recv()));
        eventually("both are there", || barrier.n_waiting() == 2);
        let late = [scope.spawn(|| barrier.wait()), scope.spawn(|| barrier.wait())];
        assert_eq!(barrier.wait_timeout(Duration::from_millis(30)), Err(BrokenBarrier::TimedOut));
        assert!(!barrier.is_broken(), "who was not in the round does not break it");
        drop(sender);
        assert_eq!((one.join().expect("no panic"), two.join().expect("no panic")), (Ok(0), Ok(1)));
        let mut numbers = late.map(|late| late.join().expect("no panic").expect("both come"));
        numbers.sort_unstable();
        assert_eq!(numbers, [0, 1]);
    });
    Ok(())
}
