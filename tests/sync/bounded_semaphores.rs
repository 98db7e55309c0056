//! Permits of which there are never more than at the beginning.
use std::time::Duration;

use carom::{BoundedSemaphore, OverRelease, Process, RawValue};

use crate::common::{own_tid, watchdog};
use crate::stage::{asleep, joined};

#[test]
fn what_was_not_taken_for_good_cannot_be_brought_back() -> carom::Result<()> {
    let _watchdog = watchdog();
    let slots = BoundedSemaphore::new(2)?;
    assert_eq!(slots.release(), Err(OverRelease));
    let held = slots.acquire();
    // it is the holder's
    assert_eq!(slots.release(), Err(OverRelease));
    assert_eq!(OverRelease.to_string(), "no permit was taken for good that could be given back");
    slots.acquire().forget();
    assert_eq!((slots.available(), slots.holders()), (0, vec![std::process::id()]));
    slots.release()?;
    assert_eq!((slots.available(), slots.release()), (1, Err(OverRelease)));
    drop(held);
    assert_eq!((slots.available(), slots.release()), (2, Err(OverRelease)));
    assert_eq!(format!("{slots:?}"), "BoundedSemaphore { available: 2, bound: 2, holders: [] }");
    Ok(())
}

#[test]
fn all_and_no_more_are_held_at_once() -> carom::Result<()> {
    let _watchdog = watchdog();
    for bound in [0, 1, 256, 257, 5000] {
        let slots = BoundedSemaphore::new(bound)?;
        for _ in 0..2 {
            let held: Vec<_> = std::iter::from_fn(|| slots.try_acquire()).collect();
            assert_eq!((held.len() as u32, slots.available()), (bound, 0));
            assert!(slots.acquire_timeout(Duration::from_millis(1)).is_none());
            held.into_iter().for_each(carom::Permit::forget);
            assert_eq!((slots.holders().len(), slots.available()), (0, 0));
            (0..bound).for_each(|_| slots.release().expect("one that was taken"));
            assert_eq!((slots.available(), slots.release()), (bound, Err(OverRelease)));
        }
    }
    Ok(())
}

/// Brings back what another one took.
#[carom::task]
fn bring_back(slots: BoundedSemaphore) -> Result<(), carom::RemoteError> {
    Ok(slots.release()?)
}

/// Waits for one, and takes it for good.
#[carom::task]
fn take(slots: BoundedSemaphore, tid: RawValue<u32>) {
    tid.store(own_tid());
    slots.acquire().forget();
}

#[carom::test]
fn who_waits_gets_what_another_process_brings_back() -> carom::Result<()> {
    let _watchdog = watchdog();
    let slots = BoundedSemaphore::new(1)?;
    slots.acquire().forget();
    for _ in 0..5 {
        let waiter = asleep(take, slots.clone())?;
        joined(&Process::spawn(bring_back, slots.clone())?);
        joined(&waiter);
        assert_eq!(slots.available(), 0);
    }
    slots.release()?;
    // nothing is left that it could bring back
    assert!(!Process::spawn(bring_back, slots.clone())?.join()?.success());
    assert_eq!(slots.available(), 1);
    Ok(())
}

#[carom::task]
fn go_in_and_out(slots: BoundedSemaphore, times: u32) {
    for i in 0..times {
        let permit = slots.acquire();
        if i % 3 == 0 {
            permit.forget();
            slots.release().expect("its own, or another's");
        }
    }
}

#[carom::test]
fn there_are_as_many_as_before_whatever_all_have_done() -> carom::Result<()> {
    let _watchdog = watchdog();
    let slots = BoundedSemaphore::new(3)?;
    let start = |_| Process::spawn(go_in_and_out, (slots.clone(), 2000));
    let processes: Vec<_> = (0..4).map(start).collect::<Result<_, _>>()?;
    go_in_and_out(slots.clone(), 2000);
    processes.iter().for_each(joined);
    assert_eq!((slots.available(), slots.holders(), slots.release()), (3, vec![], Err(OverRelease)));
    Ok(())
}
