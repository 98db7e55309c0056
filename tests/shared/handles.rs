//! Handles on their way between processes.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use carom::{Array, Lock, Pool, Process, RawValue, Value};

use super::common;

#[carom::task]
fn add(total: Value<u64>, n: u64) {
    for _ in 0..n {
        *total.lock().expect("nobody died") += 1;
    }
}

#[carom::test]
fn what_one_process_writes_the_others_read() -> carom::Result<()> {
    let _watchdog = common::watchdog();
    let total = Value::new(0)?;
    let processes = [Process::spawn(add, (total.clone(), 1000))?, Process::spawn(add, (total.clone(), 2000))?];
    for process in processes {
        process.join()?.exit_ok()?;
    }
    assert_eq!(total.get()?, 3000);
    Ok(())
}

#[carom::task]
fn sum(values: Vec<Value<u64>>) -> u64 {
    values.iter().map(|value| value.get().expect("nobody died")).sum()
}

#[carom::test]
fn many_handles_are_one_argument() -> carom::Result<()> {
    let _watchdog = common::watchdog();
    let values: Vec<_> = (0..1000).map(Value::new).collect::<Result<_, _>>()?;
    let pool = Pool::builder().processes(1).build()?;
    let before = common::descriptors("self").len();
    assert_eq!(pool.apply(sum, values)?, 499_500);
    assert_eq!(common::descriptors("self").len(), before);
    Ok(())
}

#[carom::task]
fn make() -> (Value<u64>, Array<f32>, Lock, RawValue<AtomicU64>) {
    let made = "the worker has memory";
    let raw = RawValue::new(AtomicU64::new(7)).expect(made);
    (Value::new(5).expect(made), Array::new(&[0.5, 1.5]).expect(made), Lock::new().expect(made), raw)
}

#[carom::test]
fn what_a_worker_makes_outlives_it() -> carom::Result<()> {
    let _watchdog = common::watchdog();
    let pool = Pool::builder().processes(1).build()?;
    let (value, array, lock, raw) = pool.apply(make, ())?;
    drop(pool);
    assert_eq!(value.get()?, 5);
    array.lock()?[0] = 2.5;
    assert_eq!(array.to_vec()?, [2.5, 1.5]);
    assert_eq!(lock.owner(), None);
    drop(lock.lock()?);
    assert_eq!(raw.fetch_add(1, Relaxed), 7);
    Ok(())
}
