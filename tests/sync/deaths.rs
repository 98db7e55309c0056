//! Processes that are killed while they wait, after they were woken, and with what others wait for.
use std::os::unix::process::CommandExt;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use carom::{Condition, Event, Lock, Process, RawValue, Semaphore};

use crate::common::{eventually, own_tid, watchdog};
use crate::stage::{asleep, joined, killed, stop, until_waiting};

/// Takes a permit, and keeps it until it is told to end.
#[carom::task]
fn hold(permits: Semaphore, count: u32, enough: Event) {
    let held: Vec<_> = (0..count).map(|_| permits.acquire()).collect();
    enough.wait();
    drop(held);
}

fn holder(permits: &Semaphore, count: u32) -> carom::Result<Process> {
    let process = Process::spawn(hold, (permits.clone(), count, Event::new()?))?;
    eventually("it has them", || {
        permits.holders().iter().filter(|pid| **pid == process.pid()).count() == count as usize
    });
    Ok(process)
}

#[carom::test]
fn permits_of_the_dead_come_back_to_who_only_tries() -> carom::Result<()> {
    let _watchdog = watchdog();
    let permits = Semaphore::new(5)?;
    for round in 1..4 {
        let own = permits.acquire();
        killed(&holder(&permits, 4)?);
        let mut taken = vec![own];
        eventually("they are back", || {
            taken.extend(permits.try_acquire());
            taken.len() == 5
        });
        assert_eq!((permits.recovered(), permits.holders()), (4 * round, vec![std::process::id(); 5]));
    }
    Ok(())
}

/// Waits for a permit, and gives it back.
#[carom::task]
fn pass(permits: Semaphore, tid: RawValue<u32>) {
    tid.store(own_tid());
    drop(permits.acquire());
}

#[carom::test]
fn permits_of_the_dead_come_back_where_all_others_sleep() -> carom::Result<()> {
    let _watchdog = watchdog();
    let permits = Semaphore::new(2)?;
    for round in 1..4 {
        let holder = holder(&permits, 2)?;
        let waiters = [(); 3].map(|()| asleep(pass, permits.clone()).expect("it waits"));
        killed(&holder);
        waiters.iter().for_each(joined);
        assert_eq!((permits.available(), permits.recovered()), (2, 2 * round));
    }
    Ok(())
}

#[carom::test]
fn permits_of_the_dead_come_back_before_anybody_has_waited_for_their_end() -> carom::Result<()> {
    let _watchdog = watchdog();
    let permits = Semaphore::new(1)?;
    for _ in 0..3 {
        let holder = holder(&permits, 1)?;
        holder.kill()?;
        // those who wait for a short time only look, too
        eventually("it is back", || permits.acquire_timeout(Duration::from_millis(10)).is_some());
        assert_eq!(holder.join()?.signal(), Some(libc::SIGKILL));
    }
    assert_eq!(permits.recovered(), 3);
    Ok(())
}

/// Becomes another program, which waits for the end of its input.
#[carom::task]
fn become_another(permits: Semaphore) {
    let _permit = permits.acquire();
    panic!("{}", std::process::Command::new("cat").exec());
}

#[carom::test]
fn who_becomes_another_program_keeps_its_permits_until_that_ends() -> carom::Result<()> {
    let _watchdog = watchdog();
    let permits = Semaphore::new(1)?;
    let (input, end) = std::io::pipe()?;
    let process = Process::builder().stdin(input).spawn(become_another, permits.clone())?;
    let name = format!("/proc/{}/comm", process.pid());
    eventually("it is another program", || std::fs::read_to_string(&name).is_ok_and(|name| name == "cat\n"));
    // long enough for somebody to look for the dead
    assert!(permits.acquire_timeout(Duration::from_secs(1)).is_none());
    assert_eq!(permits.holders(), [process.pid()]);
    drop(end);
    drop(permits.acquire());
    joined(&process);
    assert_eq!(permits.recovered(), 1);
    Ok(())
}

#[carom::test]
fn what_the_dead_took_for_good_stays_away() -> carom::Result<()> {
    let _watchdog = watchdog();
    let permits = Semaphore::new(2)?;
    joined(&Process::spawn(take_for_good, permits.clone())?);
    killed(&holder(&permits, 1)?);
    drop(permits.acquire());
    assert!(permits.acquire_timeout(Duration::ZERO).is_some());
    assert_eq!((permits.available(), permits.recovered()), (1, 1));
    Ok(())
}

#[carom::task]
fn take_for_good(permits: Semaphore) {
    permits.acquire().forget();
}

#[carom::test]
fn one_of_those_who_wait_for_permits_is_killed_and_another_one_gets_what_is_given() -> carom::Result<()> {
    let _watchdog = watchdog();
    for which in [0, 1, 2] {
        let permits = Semaphore::new(1)?;
        let permit = permits.acquire();
        let mut waiters =
            vec![asleep(pass, permits.clone())?, asleep(pass, permits.clone())?, asleep(pass, permits.clone())?];
        killed(&waiters.remove(which));
        drop(permit);
        waiters.iter().for_each(joined);
        assert_eq!(permits.available(), 1);
    }
    Ok(())
}

#[carom::test]
fn one_that_was_woken_for_a_permit_is_killed_before_it_runs() -> carom::Result<()> {
    let _watchdog = watchdog();
    let permits = Semaphore::new(0)?;
    for _ in 0..3 {
        let first = asleep(pass, permits.clone())?;
        let other = asleep(pass, permits.clone())?;
        stop(&first);
        // it is the one that sleeps on the word, and so the one that is woken
        permits.release(1);
        killed(&first);
        joined(&other);
        permits.acquire().forget();
    }
    Ok(())
}

#[carom::task]
fn wait(lock: Lock, changed: Condition, woken: RawValue<AtomicU64>) {
    drop(changed.wait(lock.lock().expect("nobody died")).expect("nobody died"));
    woken.fetch_add(1, SeqCst);
}

struct Waiters {
    lock: Lock,
    changed: Condition,
    woken: RawValue<AtomicU64>,
}

impl Waiters {
    fn new() -> carom::Result<Self> {
        Ok(Self { lock: Lock::new()?, changed: Condition::new()?, woken: RawValue::new(AtomicU64::new(0))? })
    }

    fn start(&self) -> carom::Result<Process> {
        let waiting = self.changed.waiting().len();
        let process = Process::spawn(wait, (self.lock.clone(), self.changed.clone(), self.woken.clone()))?;
        until_waiting(&self.changed, waiting + 1);
        Ok(process)
    }
}

#[carom::test]
fn what_was_given_to_one_that_was_killed_asleep_is_passed_on_once() -> carom::Result<()> {
    let _watchdog = watchdog();
    let all = Waiters::new()?;
    let processes = [all.start()?, all.start()?, all.start()?];
    killed(&processes[0]);
    all.changed.notify(1);
    joined(&processes[1]);
    assert_eq!((all.woken.load(SeqCst), all.changed.waiting()), (1, vec![processes[2].pid()]));
    all.changed.notify(1);
    joined(&processes[2]);
    Ok(())
}

#[carom::test]
fn what_was_given_to_one_that_was_killed_before_it_had_the_lock_is_passed_on() -> carom::Result<()> {
    let _watchdog = watchdog();
    let all = Waiters::new()?;
    for _ in 0..3 {
        let [first, other] = [all.start()?, all.start()?];
        let guard = all.lock.lock()?;
        all.changed.notify(1);
        assert_eq!(all.changed.waiting(), [other.pid()]);
        killed(&first);
        drop(guard);
        joined(&other);
    }
    assert_eq!((all.woken.load(SeqCst), all.changed.waiting(), all.lock.owner()), (3, vec![], None));
    Ok(())
}

#[carom::test]
fn who_came_after_a_notification_does_not_get_what_the_dead_left() -> carom::Result<()> {
    let _watchdog = watchdog();
    let all = Waiters::new()?;
    let first = all.start()?;
    stop(&first);
    all.changed.notify(1);
    let late = all.start()?;
    killed(&first);
    // long enough for somebody to look for the dead
    let (guard, notified) = all.changed.wait_timeout(all.lock.lock()?, Duration::from_secs(1))?;
    drop(guard);
    assert_eq!((notified, all.woken.load(SeqCst), all.changed.waiting()), (false, 0, vec![late.pid()]));
    all.changed.notify(1);
    joined(&late);
    Ok(())
}

#[carom::test]
fn the_places_of_hundreds_of_dead_waiters_are_used_again() -> carom::Result<()> {
    let _watchdog = watchdog();
    let all = Waiters::new()?;
    for _ in 0..10 {
        let process = Process::spawn(wait_in_threads, (all.lock.clone(), all.changed.clone()))?;
        until_waiting(&all.changed, 200);
        killed(&process);
        // the next ones find too few places, or somebody who waits looks for the dead
        let other = Process::spawn(wait, (all.lock.clone(), all.changed.clone(), all.woken.clone()))?;
        eventually("the dead are gone", || all.changed.waiting() == [other.pid()]);
        all.changed.notify(1);
        joined(&other);
    }
    Ok(())
}

#[carom::task]
fn wait_in_threads(lock: Lock, changed: Condition) {
    std::thread::scope(|scope| {
        for _ in 0..200 {
            scope.spawn(|| drop(changed.wait(lock.lock().expect("nobody died"))));
        }
    });
}
