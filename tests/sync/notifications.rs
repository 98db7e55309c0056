//! Who is woken by a notification, and who is not.
use std::time::Duration;

use carom::{Condition, Lock, Process, RawArray};

use crate::common::{eventually, watchdog};
use crate::stage::{joined, until_waiting};

/// Waits to be notified, and notes that it was.
#[carom::task]
fn wait(lock: Lock, changed: Condition, woken: RawArray<u64>, which: usize) {
    let guard = changed.wait(lock.lock().expect("nobody died")).expect("nobody died");
    woken.set(which, 1).expect("it is there");
    drop(guard);
}

struct Stage {
    lock: Lock,
    changed: Condition,
    woken: RawArray<u64>,
}

impl Stage {
    fn new() -> carom::Result<Self> {
        Ok(Self { lock: Lock::new()?, changed: Condition::new()?, woken: RawArray::zeroed(6)? })
    }

    fn start(&self, which: usize) -> carom::Result<Process> {
        let waiting = self.changed.waiting().len();
        let input = (self.lock.clone(), self.changed.clone(), self.woken.clone(), which);
        let process = Process::spawn(wait, input)?;
        until_waiting(&self.changed, waiting + 1);
        Ok(process)
    }

    #[track_caller]
    fn until_woken(&self, expected: [u64; 6]) {
        eventually("they are woken", || self.woken.to_vec() == expected);
    }
}

#[carom::test]
fn one_notification_wakes_one_thread_or_process() -> carom::Result<()> {
    let _watchdog = watchdog();
    let stage = Stage::new()?;
    let process = stage.start(0)?;
    std::thread::scope(|scope| -> carom::Result<()> {
        let thread = scope.spawn(|| wait(stage.lock.clone(), stage.changed.clone(), stage.woken.clone(), 1));
        until_waiting(&stage.changed, 2);
        assert_eq!(stage.changed.waiting(), [process.pid(), std::process::id()]);
        stage.changed.notify(1);
        joined(&process);
        stage.until_woken([1, 0, 0, 0, 0, 0]);
        assert_eq!(stage.changed.waiting(), [std::process::id()]);
        assert!(!thread.is_finished());
        // also with the lock held
        let guard = stage.lock.lock()?;
        stage.changed.notify(1);
        drop(guard);
        thread.join().expect("no panic");
        Ok(())
    })?;
    stage.until_woken([1, 1, 0, 0, 0, 0]);
    assert_eq!((stage.changed.waiting(), stage.lock.owner()), (vec![], None));
    Ok(())
}

#[carom::test]
fn so_many_are_woken_as_are_notified_and_in_the_order_in_which_they_came() -> carom::Result<()> {
    let _watchdog = watchdog();
    let stage = Stage::new()?;
    let processes = (0..6).map(|which| stage.start(which)).collect::<Result<Vec<_>, _>>()?;
    stage.changed.notify(0);
    assert_eq!(stage.changed.waiting().len(), 6);
    stage.changed.notify(2);
    assert_eq!(stage.changed.waiting().len(), 4);
    processes[..2].iter().for_each(joined);
    stage.until_woken([1, 1, 0, 0, 0, 0]);
    stage.changed.notify(1);
    joined(&processes[2]);
    stage.until_woken([1, 1, 1, 0, 0, 0]);
    // those who come take places that were left, and yet are the last ones
    let last = stage.start(0)?;
    stage.woken.set(0, 0)?;
    stage.changed.notify(3);
    processes[3..].iter().for_each(joined);
    stage.until_woken([0, 1, 1, 1, 1, 1]);
    assert_eq!(stage.changed.waiting(), [last.pid()]);
    stage.changed.notify(u32::MAX);
    joined(&last);
    Ok(())
}

#[carom::test]
fn a_notification_that_nobody_waits_for_is_not_kept() -> carom::Result<()> {
    let _watchdog = watchdog();
    let stage = Stage::new()?;
    for _ in 0..3 {
        stage.changed.notify(3);
        stage.changed.notify_all();
        let process = stage.start(0)?;
        let (guard, notified) = stage.changed.wait_timeout(stage.lock.lock()?, Duration::ZERO)?;
        assert!(!notified);
        drop(guard);
        assert_eq!(stage.changed.waiting(), [process.pid()]);
        stage.changed.notify(1);
        joined(&process);
    }
    Ok(())
}

#[carom::task]
fn wait_in_vain(lock: Lock, changed: Condition) -> bool {
    changed.wait_timeout(lock.lock().expect("whole"), Duration::from_millis(50)).expect("whole").1
}

#[carom::test]
fn after_some_have_waited_in_vain_all_others_are_woken() -> carom::Result<()> {
    let _watchdog = watchdog();
    let stage = Stage::new()?;
    let pool = carom::Pool::builder().processes(3).build()?;
    std::thread::scope(|scope| {
        let threads = [(); 3].map(|()| scope.spawn(|| wait_in_vain(stage.lock.clone(), stage.changed.clone())));
        let inputs = (0..3).map(|_| (stage.lock.clone(), stage.changed.clone()));
        assert_eq!(pool.map(wait_in_vain, inputs).expect("they wait"), [false; 3]);
        assert!(threads.into_iter().all(|thread| !thread.join().expect("no panic")));
    });
    assert_eq!(stage.changed.waiting(), []);
    let processes = (0..3).map(|which| stage.start(which)).collect::<Result<Vec<_>, _>>()?;
    std::thread::scope(|scope| {
        for which in 3..6 {
            let (lock, changed, woken) = (stage.lock.clone(), stage.changed.clone(), stage.woken.clone());
            scope.spawn(move || wait(lock, changed, woken, which));
        }
        until_waiting(&stage.changed, 6);
        stage.changed.notify_all();
    });
    processes.iter().for_each(joined);
    stage.until_woken([1; 6]);
    Ok(())
}

#[carom::test]
fn each_condition_of_a_lock_has_its_own_waiters() -> carom::Result<()> {
    let _watchdog = watchdog();
    let stage = Stage::new()?;
    let other = Stage { lock: stage.lock.clone(), changed: Condition::new()?, woken: stage.woken.clone() };
    let [one, two] = [stage.start(0)?, other.start(1)?];
    assert_eq!(format!("{:?}", stage.changed), format!("Condition {{ waiting: [{}] }}", one.pid()));
    other.changed.notify_all();
    joined(&two);
    stage.until_woken([0, 1, 0, 0, 0, 0]);
    assert_eq!((stage.changed.waiting(), other.changed.waiting()), (vec![one.pid()], vec![]));
    stage.changed.notify_all();
    joined(&one);
    assert_eq!(format!("{:?}", stage.changed), "Condition { waiting: [] }");
    Ok(())
}
