//! A program that uses shared memory much, without other threads than its own: `memory HOW`.
use std::collections::HashSet;

use carom::{Array, Connection, Lock, MemoryError, Pool, Process, RawArray, RawValue, Value, pipe};

/// What may become more and more.
#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
struct Usage {
    descriptors: usize,
    mappings: usize,
    /// Of the heap and the like, in KiB.
    private: usize,
    /// Of the shared memory that is mapped, in KiB.
    shared: usize,
}

impl Usage {
    fn now() -> Self {
        let lines = |path| std::fs::read_to_string(path).expect("/proc");
        let status = lines("/proc/self/status");
        let size = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("a line");
            line.trim().trim_end_matches(" kB").parse().expect("a number")
        };
        let maps = lines("/proc/self/maps");
        assert!(!maps.contains("/dev/shm"), "it has no name");
        Self {
            descriptors: std::fs::read_dir("/proc/self/fd").expect("/proc").count(),
            mappings: maps.lines().count(),
            private: size("RssAnon:"),
            shared: size("RssShmem:"),
        }
    }

    /// Whether there is not much more than there was.
    #[track_caller]
    fn is_as(self, before: Self) {
        assert!(self.descriptors <= before.descriptors + 3, "{before:?} {self:?}");
        assert!(self.mappings <= before.mappings + 10, "{before:?} {self:?}");
        assert!(self.private <= before.private + 1024, "{before:?} {self:?}");
        assert!(self.shared <= before.shared + 256, "{before:?} {self:?}");
    }
}

fn many() -> carom::Result<()> {
    let before = Usage::now();
    let locks: Vec<_> = (0..10_000).map(|_| Lock::new()).collect::<Result<_, _>>()?;
    let values: Vec<_> = (0..10_000_u64).map(Value::new).collect::<Result<_, _>>()?;
    for (i, (lock, value)) in locks.iter().zip(&values).enumerate() {
        let _guard = lock.lock()?;
        *value.lock()? += i as u64;
    }
    assert_eq!(values.iter().map(|value| value.get().expect("get")).sum::<u64>(), 9999 * 10_000);
    assert!(locks.iter().all(|lock| lock.owner().is_none()));
    let now = Usage::now();
    assert!(now.descriptors <= before.descriptors + 2 && now.mappings <= before.mappings + 10, "{before:?} {now:?}");
    drop((locks, values));
    assert_eq!(Usage::now().descriptors, now.descriptors);
    Ok(())
}

#[carom::task]
fn sum(values: Vec<Value<u64>>, locks: Vec<Lock>) -> u64 {
    let _guards: Vec<_> = locks.iter().map(|lock| lock.lock().expect("free")).collect();
    values.iter().map(|value| value.get().expect("get")).sum()
}

#[carom::task]
fn add_one(values: Vec<Value<u64>>) {
    values.iter().for_each(|value| *value.lock().expect("lock") += 1);
}

fn list() -> carom::Result<()> {
    let values: Vec<_> = (0..1000).map(Value::new).collect::<Result<_, _>>()?;
    let locks: Vec<_> = (0..1000).map(|_| Lock::new()).collect::<Result<_, _>>()?;
    Process::spawn(add_one, values.clone())?.join()?.exit_ok()?;
    let pool = Pool::builder().processes(2).build()?;
    assert_eq!(pool.apply(sum, (values.clone(), locks.clone()))?, 500_500);
    let before = Usage::now();
    for _ in 0..10 {
        assert_eq!(pool.apply(sum, (values.clone(), locks.clone()))?, 500_500);
        Usage::now().is_as(before);
    }
    Ok(())
}

/// Tells what it uses after each hundred of handles that it gets.
#[carom::task]
fn take(from: Connection<Usage, Value<u64>>) {
    for (i, value) in from.iter().map_while(Result::ok).enumerate() {
        *value.lock().expect("lock") += 1;
        drop(value);
        if i % 100 == 99 {
            from.send(&Usage::now()).expect("send");
        }
    }
}

fn send_many(mut next: impl FnMut() -> Value<u64>) -> carom::Result<()> {
    let (to, from) = pipe()?;
    let process = Process::spawn(take, from)?;
    let mut first: Option<[Usage; 2]> = None;
    for i in 0..10_000 {
        let value = next();
        to.send(&value)?;
        drop(value);
        if i % 100 == 99 {
            let used = [Usage::now(), to.recv()?];
            // the first ones are for all that grows once
            if i > 1000 {
                let first = first.get_or_insert(used);
                used.into_iter().zip(*first).for_each(|(used, first)| used.is_as(first));
            }
        }
    }
    drop(to);
    Ok(process.join()?.exit_ok()?)
}

fn stream() -> carom::Result<()> {
    let mut addresses = HashSet::new();
    send_many(|| {
        let value = Value::new(0).expect("memory");
        addresses.insert((&raw const *value.lock().expect("free")).addr());
        value
    })?;
    assert!(addresses.len() < 1000, "{} places", addresses.len());
    Ok(())
}

#[carom::task]
fn make_pairs(count: u64) -> Vec<(RawValue<u64>, Value<u64>)> {
    let make = |i| (RawValue::new(i).expect("memory"), Value::new(i).expect("memory"));
    (0..count).map(make).collect()
}

#[carom::task]
fn usage() -> Usage {
    Usage::now()
}

fn results() -> carom::Result<()> {
    let pool = Pool::builder().processes(1).build()?;
    let mut first: Option<[Usage; 2]> = None;
    for i in 0..200 {
        let made = pool.apply(make_pairs, 50)?;
        assert!(made.iter().zip(0..).all(|((raw, value), i)| raw.load() == i && value.get().is_ok_and(|n| n == i)));
        drop(made);
        let used = [Usage::now(), pool.apply(usage, ())?];
        if i > 20 {
            used.into_iter().zip(*first.get_or_insert(used)).for_each(|(used, first)| used.is_as(first));
        }
    }
    // of many processes that have ended, too
    let before = Usage::now();
    for _ in 0..30 {
        let pool = Pool::builder().processes(1).build()?;
        let made = pool.apply(make_pairs, 50)?;
        drop(pool);
        assert_eq!(made.iter().map(|(raw, _)| raw.load()).sum::<u64>(), 1225);
    }
    let now = Usage::now();
    assert!(now.descriptors <= before.descriptors + 10, "{before:?} {now:?}");
    Ok(())
}

#[carom::task]
fn fill(array: Array<u8>) {
    array.lock().expect("lock").fill(1);
}

fn large() -> carom::Result<()> {
    let pool = Pool::builder().processes(1).build()?;
    for _ in 0..400 {
        // nobody here has it any more when the worker drops it
        pool.apply(fill, Array::zeroed(17 << 20)?)?;
    }
    let now = Usage::now();
    assert!(now.descriptors < 50, "{now:?}");
    assert!(pool.apply(usage, ())?.descriptors < 50);
    Ok(())
}

fn too_many() -> carom::Result<()> {
    let mut arrays = Vec::new();
    let error = loop {
        match RawArray::<u8>::zeroed(17 << 20) {
            Ok(array) => arrays.push(array),
            Err(error) => break error,
        }
        assert!(arrays.len() < 300, "each has a descriptor");
    };
    assert!(matches!(error, MemoryError::Io(_)), "{error:?}");
    assert!(arrays.len() > 200 && format!("{error:?}").contains("Too many open files"), "{error:?}");
    // small ones do not need another one, once there is one
    arrays.truncate(100);
    let small = Value::new(5)?;
    while let Ok(array) = RawArray::<u8>::zeroed(17 << 20) {
        arrays.push(array);
    }
    let more: Vec<_> = (0..1000).map(Value::new).collect::<Result<_, _>>()?;
    assert_eq!(small.get()? + more.iter().map(|value| value.get().expect("get")).sum::<u64>(), 499_505);
    arrays.iter().for_each(|array| array.set(0, 1).expect("it is there"));
    Ok(())
}

#[carom::main]
fn main() -> carom::Result<()> {
    match std::env::args().nth(1).as_deref() {
        Some("many") => many()?,
        Some("list") => list()?,
        Some("one") => {
            let value = Value::new(0)?;
            send_many(|| value.clone())?;
            assert_eq!(value.get()?, 10_000);
        }
        Some("stream") => stream()?,
        Some("results") => results()?,
        Some("large") => large()?,
        Some("too-many") => too_many()?,
        how => panic!("unknown: {how:?}"),
    }
    println!("done");
    Ok(())
}
