//! Processes that do anything with all of it, and are killed in any state, many times.
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use carom::{Barrier, BoundedSemaphore, Condition, Event, OwnerDied, Process, RLock, RawValue, Semaphore, Value};
use serde::{Deserialize, Serialize};

use crate::common::{LONG, eventually, numbers, watchdog_after};
use crate::stage::{joined, killed};

#[derive(Clone, Serialize, Deserialize)]
struct All {
    permits: Semaphore,
    slots: BoundedSemaphore,
    value: Value<u64>,
    changed: Condition,
    barrier: Barrier,
    event: Event,
    lock: RLock,
    relocked: Condition,
    done: RawValue<AtomicU64>,
}

impl All {
    fn new() -> carom::Result<Self> {
        Ok(Self {
            permits: Semaphore::new(2)?,
            slots: BoundedSemaphore::new(2)?,
            value: Value::new(0)?,
            changed: Condition::new()?,
            barrier: Barrier::new(2)?,
            event: Event::new()?,
            lock: RLock::new()?,
            relocked: Condition::new()?,
            done: RawValue::new(AtomicU64::new(0))?,
        })
    }

    /// Does something of which others must not suffer, whenever this process is killed.
    fn act(&self, number: &mut impl FnMut(u64) -> u64) {
        let time = Duration::from_micros(number(3000));
        match number(10) {
            0 => drop(self.permits.acquire()),
            1 => drop(self.permits.acquire_timeout(time)),
            2 => drop((self.permits.try_acquire(), self.slots.acquire_timeout(time))),
            3 => drop(self.slots.acquire()),
            4 => {
                let mut guard = self.value.lock().unwrap_or_else(OwnerDied::into_guard);
                *guard += 1;
                self.changed.notify(number(3) as u32);
            }
            5 => {
                let guard = self.value.lock().unwrap_or_else(OwnerDied::into_guard);
                let _ = self.changed.wait_timeout(guard, time).map_err(|died| drop(died.into_guard()));
            }
            6 => [&self.changed, &self.relocked].into_iter().for_each(Condition::notify_all),
            7 => match self.barrier.wait_timeout(time) {
                Ok(number) => assert!(number < 2),
                Err(_) => self.barrier.reset(),
            },
            8 => match number(3) {
                0 => self.event.set(),
                1 => self.event.clear(),
                _ => drop(self.event.wait_timeout(time)),
            },
            _ => {
                let outer = self.lock.lock().unwrap_or_else(OwnerDied::into_guard);
                let inner = self.lock.lock().unwrap_or_else(OwnerDied::into_guard);
                let _ = self.relocked.wait_timeout(inner, time / 4).map_err(|died| drop(died.into_guard()));
                drop(outer);
            }
        }
        assert!(self.permits.available() <= 2 && self.slots.available() <= 2);
        self.done.fetch_add(1, Relaxed);
    }

    /// Whether all is as new.
    fn check(&self) -> carom::Result<()> {
        drop([self.permits.acquire(), self.permits.acquire()]);
        drop([self.slots.acquire(), self.slots.acquire()]);
        assert_eq!((self.permits.available(), self.slots.available(), self.slots.release().is_err()), (2, 2, true));
        *self.value.lock().unwrap_or_else(OwnerDied::into_guard) = 0;
        drop(self.lock.lock().unwrap_or_else(OwnerDied::into_guard));
        self.event.clear();
        self.barrier.reset();
        let process = Process::spawn(answer, self.clone())?;
        self.event.wait();
        let guard = self.changed.wait_for(self.value.lock()?, |value| **value == FAR)?;
        drop(guard);
        let guard = self.lock.lock()?;
        self.barrier.wait()?;
        drop(guard);
        joined(&process);
        Ok(())
    }
}

/// So often nobody counts.
const FAR: u64 = 1 << 40;

/// The other side of the check.
#[carom::task]
fn answer(all: All) -> Result<(), carom::RemoteError> {
    all.event.set();
    *all.value.lock()? = FAR;
    all.changed.notify_all();
    all.barrier.wait()?;
    drop(all.lock.lock()?);
    let _both = [all.permits.acquire(), all.permits.acquire()];
    let _all = [all.slots.acquire(), all.slots.acquire()];
    Ok(())
}

#[carom::task]
fn act_for_ever(all: All, seed: u64) {
    let mut number = numbers(seed);
    loop {
        all.act(&mut number);
    }
}

/// Takes permits for good, and adds others for them.
#[carom::task]
fn exchange_for_ever(permits: Semaphore, done: RawValue<AtomicU64>) {
    loop {
        if let Some(permit) = permits.acquire_timeout(Duration::from_micros(300)) {
            permit.forget();
            permits.release(1);
        }
        done.fetch_add(1, Relaxed);
    }
}

#[carom::test]
fn permits_that_are_taken_for_good_and_added_again_never_become_more() -> carom::Result<()> {
    let _watchdog = watchdog_after(5 * LONG);
    let (permits, done) = (Semaphore::new(3)?, RawValue::new(AtomicU64::new(0))?);
    let mut number = numbers(12);
    for round in 0..50 {
        let start = || Process::spawn(exchange_for_ever, (permits.clone(), done.clone()));
        let processes = [start()?, start()?];
        let until = done.load(Relaxed) + number(300);
        eventually("they go on", || done.load(Relaxed) >= until);
        for process in &processes {
            killed(process);
        }
        let mut held = Vec::new();
        eventually("the dead have none", || {
            held.extend(permits.try_acquire());
            permits.holders().iter().all(|pid| *pid == std::process::id())
        });
        held.extend(std::iter::from_fn(|| permits.try_acquire()));
        // one who was killed between the two has added none
        assert!((1..=3).contains(&held.len()), "{} of 3 in round {round}", held.len());
        permits.release(3 - held.len() as u32);
    }
    Ok(())
}

#[carom::test]
fn all_goes_on_however_many_are_killed() -> carom::Result<()> {
    let _watchdog = watchdog_after(5 * LONG);
    let all = All::new()?;
    let mut number = numbers(11);
    let mut seed = 0;
    let mut start = || {
        seed += 1;
        Process::spawn(act_for_ever, (all.clone(), seed))
    };
    let mut processes = [start()?, start()?, start()?];
    for round in 0..200 {
        let until = all.done.load(Relaxed) + number(30);
        eventually("they go on", || all.done.load(Relaxed) >= until);
        let which = number(3) as usize;
        killed(&processes[which]);
        if round % 20 == 0 {
            // nobody is there to help
            processes.iter().for_each(|process| drop(process.kill()));
            processes.iter().for_each(|process| assert!(process.join().is_ok_and(|status| status.signal() == Some(9))));
            all.check()?;
            processes = [start()?, start()?, start()?];
        } else {
            processes[which] = start()?;
        }
    }
    for process in &processes {
        killed(process);
    }
    all.check()
}
