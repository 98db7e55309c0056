//! Parties of a barrier that are killed.
use carom::{Barrier, BrokenBarrier, Event, Pool, Process};

use crate::common::{eventually, watchdog};
use crate::stage::{killed, stop};

/// Tells what came of it; the one that comes last never finishes what it does for all.
#[carom::task]
fn meet(barrier: Barrier, acts: Event) -> Told {
    barrier.wait_with(|| {
        acts.set();
        loop {
            std::thread::park();
        }
    })
}

type Told = Result<u32, BrokenBarrier>;

#[carom::test]
fn parties_are_told_of_one_that_was_killed_while_it_waited() -> carom::Result<()> {
    let _watchdog = watchdog();
    let (barrier, acts) = (Barrier::new(4)?, Event::new()?);
    let pool = Pool::builder().processes(2).build()?;
    for _ in 0..3 {
        let party = Process::spawn(meet, (barrier.clone(), acts.clone()))?;
        let others = [(); 2].map(|()| pool.apply_async(meet, (barrier.clone(), acts.clone())));
        eventually("three wait", || barrier.n_waiting() == 3);
        let died = BrokenBarrier::Died { pid: Some(killed(&party)) };
        for other in others {
            assert_eq!(other.get()?, Err(died));
        }
        assert_eq!((barrier.wait(), barrier.is_broken()), (Err(died), true));
        assert_eq!(died.to_string(), format!("the barrier is broken: process {} ended while it waited", party.pid()));
        barrier.reset();
        assert_eq!((barrier.n_waiting(), barrier.is_broken()), (0, false));
    }
    assert!(!acts.is_set());
    Ok(())
}

#[carom::test]
fn parties_are_told_of_one_that_was_killed_in_what_it_did_for_all() -> carom::Result<()> {
    let _watchdog = watchdog();
    let (barrier, acts) = (Barrier::new(3)?, Event::new()?);
    let pool = Pool::builder().processes(2).build()?;
    for _ in 0..3 {
        let others = [(); 2].map(|()| pool.apply_async(meet, (barrier.clone(), acts.clone())));
        eventually("two wait", || barrier.n_waiting() == 2);
        let last = Process::spawn(meet, (barrier.clone(), acts.clone()))?;
        acts.wait();
        acts.clear();
        let died = BrokenBarrier::Died { pid: Some(killed(&last)) };
        for other in others {
            assert_eq!(other.get()?, Err(died));
        }
        barrier.reset();
    }
    Ok(())
}

#[carom::test]
fn who_comes_after_all_parties_were_killed_in_a_round_is_told() -> carom::Result<()> {
    let _watchdog = watchdog();
    for parties in [1, 2] {
        let (barrier, acts) = (Barrier::new(parties)?, Event::new()?);
        let start = |_| Process::spawn(meet, (barrier.clone(), acts.clone()));
        let all: Vec<_> = (0..parties).map(start).collect::<Result<_, _>>()?;
        acts.wait();
        // so that none of them sees that another one died
        all.iter().for_each(stop);
        let dead: Vec<_> = all.iter().map(|process| Some(killed(process))).collect();
        let Err(BrokenBarrier::Died { pid }) = barrier.wait() else { panic!("they died") };
        assert!(dead.contains(&pid));
        barrier.reset();
        assert_eq!((barrier.n_waiting(), barrier.is_broken()), (0, false));
    }
    Ok(())
}

/// Waits so many times.
#[carom::task]
fn meet_often(barrier: Barrier, times: u32) -> Result<(), BrokenBarrier> {
    (0..times).try_for_each(|_| barrier.wait().map(drop))
}

#[carom::test]
fn who_was_killed_in_a_round_that_is_over_breaks_the_next_one() -> carom::Result<()> {
    let _watchdog = watchdog();
    let barrier = Barrier::new(2)?;
    // whatever the round, and whichever slots it has
    for rounds in 0..4 {
        let party = Process::spawn(meet_often, (barrier.clone(), 10))?;
        (0..rounds).try_for_each(|_| barrier.wait().map(drop))?;
        eventually("it waits", || barrier.n_waiting() == 1);
        let died = BrokenBarrier::Died { pid: Some(killed(&party)) };
        assert!(barrier.wait().is_ok(), "all have come");
        assert_eq!(barrier.wait(), Err(died));
        assert_eq!(barrier.wait(), Err(died));
        barrier.reset();
        assert_eq!((barrier.n_waiting(), barrier.is_broken()), (0, false));
    }
    // one who has left may end
    let party = Process::spawn(meet_often, (barrier.clone(), 3))?;
    (0..3).try_for_each(|_| barrier.wait().map(drop))?;
    party.join()?.exit_ok()?;
    let other = Process::spawn(meet_often, (barrier.clone(), 1))?;
    eventually("it waits", || barrier.n_waiting() == 1);
    assert!(!barrier.is_broken() && barrier.wait().is_ok());
    other.join()?.exit_ok()?;
    Ok(())
}
