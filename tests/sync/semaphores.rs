//! Permits that processes take and give back, and that can be added to.
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

use carom::{Permit, Pool, Process, RawArray, RawValue, Semaphore};

use crate::common::{LONG, eventually, own_tid, until_it_waits, watchdog};
use crate::stage::{asleep, joined};

#[test]
fn permits_are_counted_and_more_can_be_added_than_it_began_with() -> carom::Result<()> {
    let _watchdog = watchdog();
    let permits = Semaphore::new(2)?;
    assert_eq!(permits.available(), 2);
    let one = permits.acquire();
    let two = permits.try_acquire().expect("there is one");
    assert_eq!(permits.available(), 0);
    assert!(permits.try_acquire().is_none());
    drop(one);
    assert_eq!(permits.available(), 1);
    drop(two);
    permits.release(2);
    permits.release(0);
    assert_eq!(permits.available(), 4);
    let all = [permits.acquire(), permits.acquire(), permits.acquire(), permits.acquire()];
    assert!(permits.try_acquire().is_none());
    drop(all);
    assert_eq!((permits.available(), permits.recovered()), (4, 0));
    Ok(())
}

#[test]
fn where_there_are_no_permits_nobody_gets_one_until_one_is_added() -> carom::Result<()> {
    let _watchdog = watchdog();
    let permits = Semaphore::new(0)?;
    assert!(permits.try_acquire().is_none() && permits.acquire_timeout(Duration::ZERO).is_none());
    permits.release(1);
    permits.acquire().forget();
    assert!(permits.try_acquire().is_none());
    Ok(())
}

#[test]
fn a_time_to_wait_passes_while_there_is_none() -> carom::Result<()> {
    let _watchdog = watchdog();
    let permits = Semaphore::new(1)?;
    let permit = permits.acquire();
    for time in [Duration::ZERO, Duration::from_nanos(1), Duration::from_millis(30), Duration::from_millis(601)] {
        let start = Instant::now();
        assert!(permits.acquire_timeout(time).is_none());
        assert!(start.elapsed() >= time);
    }
    drop(permit);
    for time in [Duration::ZERO, LONG, Duration::from_secs(1 << 62), Duration::MAX] {
        drop(permits.acquire_timeout(time).expect("there is one"));
    }
    Ok(())
}

#[test]
fn what_is_taken_for_good_comes_back_only_as_a_new_one() -> carom::Result<()> {
    let _watchdog = watchdog();
    let permits = Semaphore::new(3)?;
    for _ in 0..1000 {
        permits.acquire().forget();
        permits.acquire().forget();
        assert_eq!((permits.available(), permits.holders()), (1, vec![]));
        permits.release(2);
    }
    assert_eq!((permits.available(), permits.recovered()), (3, 0));
    Ok(())
}

#[test]
fn as_many_are_held_at_once_as_it_began_with_or_256() -> carom::Result<()> {
    let _watchdog = watchdog();
    for (begin, added, most) in [(0, 300, 256), (200, 100, 256), (300, 100, 300), (4095, 1, 4095)] {
        let permits = Semaphore::new(begin)?;
        permits.release(added);
        for _ in 0..3 {
            let held: Vec<_> = std::iter::from_fn(|| permits.try_acquire()).collect();
            assert_eq!((held.len(), permits.holders().len()), (most, most));
            assert_eq!(permits.available() as usize, (begin + added) as usize - most);
            drop(held);
            assert_eq!(permits.available(), begin + added);
            // one by one, all of them, and back
            (0..begin + added).for_each(|_| permits.acquire().forget());
            assert!(permits.try_acquire().is_none());
            permits.release(begin + added);
        }
    }
    let permits = Semaphore::new(5000)?;
    assert_eq!(std::iter::from_fn(|| permits.try_acquire()).collect::<Vec<_>>().len(), 5000);
    Ok(())
}

#[test]
fn too_many_are_refused_and_nothing_is_added() -> carom::Result<()> {
    let _watchdog = watchdog();
    let permits = Semaphore::new(1)?;
    permits.release((1 << 28) - 1);
    let panic = catch_unwind(AssertUnwindSafe(|| permits.release(1))).expect_err("too many");
    let sentence = "a semaphore cannot have more than 268435455 permits that nobody has taken";
    assert_eq!(panic.downcast_ref::<String>().map(String::as_str), Some(sentence));
    assert_eq!(permits.available(), 1 << 28);
    Ok(())
}

#[test]
fn a_permit_can_be_given_back_by_another_thread() -> carom::Result<()> {
    let _watchdog = watchdog();
    let permits = Semaphore::new(1)?;
    let permit: Permit<'_> = permits.acquire();
    std::thread::scope(|scope| {
        let (sender, tids) = std::sync::mpsc::channel();
        let permits = &permits;
        let waiter = scope.spawn(move || {
            sender.send(own_tid()).expect("send");
            drop(permits.acquire());
        });
        until_it_waits(tids.recv().expect("a thread"));
        scope.spawn(move || drop(permit));
        waiter.join().expect("no panic");
    });
    assert_eq!(permits.available(), 1);
    Ok(())
}

#[carom::task]
fn panic_with_one(permits: Semaphore) {
    let _permit = permits.acquire();
    panic!("on purpose");
}

#[carom::test]
fn a_panic_gives_it_back() -> carom::Result<()> {
    let _watchdog = watchdog();
    let (permits, pool) = (Semaphore::new(1)?, Pool::builder().processes(1).build()?);
    for _ in 0..3 {
        assert!(pool.apply(panic_with_one, permits.clone()).is_err());
        assert_eq!((permits.available(), permits.recovered()), (1, 0));
    }
    Ok(())
}

#[carom::task]
fn enter(two_at_once: Semaphore, inside: RawValue<AtomicU64>) {
    let in_and_out = || {
        for _ in 0..1000 {
            let _permit = two_at_once.acquire();
            assert!(inside.fetch_add(1, SeqCst) < 2, "a third one is inside");
            std::thread::yield_now();
            inside.fetch_sub(1, SeqCst);
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(in_and_out);
        in_and_out();
    });
}

#[carom::test]
fn never_more_than_two_of_many_are_inside() -> carom::Result<()> {
    let _watchdog = watchdog();
    let (two_at_once, inside) = (Semaphore::new(2)?, RawValue::new(AtomicU64::new(0))?);
    let start = |_| Process::spawn(enter, (two_at_once.clone(), inside.clone()));
    let processes: Vec<_> = (0..4).map(start).collect::<Result<_, _>>()?;
    processes.iter().for_each(joined);
    assert_eq!((two_at_once.available(), two_at_once.recovered()), (2, 0));
    Ok(())
}

/// Takes a permit, says so, and waits for another one of which it makes nothing.
#[carom::task]
fn hold_and_wait(permits: (Semaphore, Semaphore), tid: RawValue<u32>) {
    let (hold, wait) = permits;
    let _permit = hold.acquire();
    tid.store(own_tid());
    wait.acquire().forget();
}

#[carom::test]
fn all_see_who_holds_them() -> carom::Result<()> {
    let _watchdog = watchdog();
    let (hold, wait) = (Semaphore::new(3)?, Semaphore::new(0)?);
    assert_eq!(format!("{hold:?}"), "Semaphore { available: 3, holders: [] }");
    let permit = hold.acquire();
    assert_eq!(format!("{permit:?}"), "Permit");
    let processes =
        [asleep(hold_and_wait, (hold.clone(), wait.clone()))?, asleep(hold_and_wait, (hold.clone(), wait.clone()))?];
    let mut pids = vec![std::process::id(), processes[0].pid(), processes[1].pid()];
    assert_eq!(hold.holders(), pids);
    assert_eq!(format!("{hold:?}"), format!("Semaphore {{ available: 0, holders: {pids:?} }}"));
    drop(permit);
    pids.remove(0);
    assert_eq!(hold.holders(), pids);
    // each of those who wait gets one of the two
    wait.release(2);
    processes.iter().for_each(joined);
    assert_eq!((hold.holders(), hold.available(), wait.available()), (vec![], 3, 0));
    Ok(())
}

/// Takes what is there, until it is told that there is no more.
#[carom::task]
fn consume(filled: Semaphore, items: RawArray<AtomicU64>, next: RawValue<AtomicU64>) {
    loop {
        filled.acquire().forget();
        let item = next.fetch_add(1, SeqCst) as usize;
        let Some(item) = items.get(item) else { return };
        item.fetch_add(1, SeqCst);
    }
}

#[carom::test]
fn each_permit_that_is_added_is_taken_once() -> carom::Result<()> {
    let _watchdog = watchdog();
    let (filled, items) = (Semaphore::new(0)?, RawArray::from_fn(2000, |_| AtomicU64::new(0))?);
    let next = RawValue::new(AtomicU64::new(0))?;
    let start = |_| Process::spawn(consume, (filled.clone(), items.clone(), next.clone()));
    let consumers: Vec<_> = (0..3).map(start).collect::<Result<_, _>>()?;
    std::thread::scope(|scope| {
        scope.spawn(|| (0..1000).for_each(|_| filled.release(1)));
        (0..100).for_each(|_| filled.release(10));
    });
    eventually("all are taken", || items.iter().all(|item| item.load(SeqCst) == 1));
    assert_eq!((next.load(SeqCst), filled.available()), (2000, 0));
    filled.release(3);
    consumers.iter().for_each(joined);
    assert_eq!(filled.available(), 0);
    Ok(())
}
