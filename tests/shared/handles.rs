//! Handles on their way between processes.
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use carom::{Array, Connection, Fd, Lock, Pool, Process, RawArray, RawValue, ShString, Value, pipe};
use serde::{Deserialize, Serialize};

use crate::common::{alone, descriptors, watchdog};

#[carom::task]
fn add(total: Value<u64>, n: u64) {
    for _ in 0..n {
        *total.lock().expect("nobody died") += 1;
    }
}

#[carom::test]
fn what_one_process_writes_the_others_read() -> carom::Result<()> {
    let _watchdog = watchdog();
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

#[carom::task]
fn give_many() {
    let values: Vec<_> = (0..1000).map(Value::new).collect::<Result<_, _>>().expect("memory");
    let pool = Pool::builder().processes(1).build().expect("a pool");
    let before = descriptors("self").len();
    assert_eq!(pool.apply(sum, values).expect("a sum"), 499_500);
    assert_eq!(descriptors("self").len(), before);
}

#[carom::test]
fn many_handles_are_one_argument() {
    let _watchdog = watchdog();
    alone(give_many, ());
}

#[carom::task]
fn make() -> (Value<u64>, Array<f32>, Lock, RawValue<AtomicU64>) {
    let made = "the worker has memory";
    let raw = RawValue::new(AtomicU64::new(7)).expect(made);
    (Value::new(5).expect(made), Array::new(&[0.5, 1.5]).expect(made), Lock::new().expect(made), raw)
}

#[carom::test]
fn what_a_worker_makes_outlives_it() -> carom::Result<()> {
    let _watchdog = watchdog();
    let pool = Pool::builder().processes(1).build()?;
    let (value, array, lock, raw) = pool.apply(make, ())?;
    drop(pool);
    assert_eq!(value.get()?, 5);
    array.lock()?[0] = 2.5;
    assert_eq!(array.to_vec()?, [2.5, 1.5]);
    assert_eq!(lock.owner(), None);
    drop(lock.lock()?);
    assert_eq!(raw.fetch_add(1, Relaxed), 7);
    // and can go on from here
    Process::spawn(add, (value.clone(), 10))?.join()?.exit_ok()?;
    assert_eq!(value.get()?, 15);
    Ok(())
}

/// Handles among other things that travel.
#[derive(Serialize, Deserialize)]
struct Parcel {
    name: String,
    total: Value<u64>,
    what: What,
    list: Vec<(Option<Lock>, [RawArray<u8>; 2])>,
    #[serde(with = "carom::fd")]
    file: File,
    answers: Connection<String, u8>,
    text: Box<Value<ShString<16>>>,
}

#[derive(Serialize, Deserialize)]
enum What {
    Nothing,
    Numbers(Array<i16>),
    Point { x: RawValue<f32>, y: RawValue<f32> },
}

#[carom::task]
fn unpack(mut parcels: Vec<Parcel>) {
    for parcel in &mut parcels {
        let mut text = String::new();
        parcel.file.read_to_string(&mut text).expect("read");
        *parcel.total.lock().expect("lock") += text.len() as u64;
        match &parcel.what {
            What::Nothing => {}
            What::Numbers(numbers) => numbers.lock().expect("lock").reverse(),
            What::Point { x, y } => x.store(y.load() + 1.0),
        }
        for (lock, [from, to]) in &parcel.list {
            let _guard = lock.as_ref().map(|lock| lock.lock().expect("lock"));
            to.write(0, &from.to_vec()).expect("as many");
        }
        parcel.answers.send(&parcel.name).expect("send");
        parcel.text.lock().expect("lock").push_str(&parcel.name).expect("it fits");
    }
}

#[carom::test]
fn handles_are_parts_of_whatever_travels() -> carom::Result<()> {
    let _watchdog = watchdog();
    let (total, numbers) = (Value::new(0)?, Array::new(&[1, 2, 3])?);
    let (x, y) = (RawValue::new(0.0)?, RawValue::new(1.5)?);
    let (lock, from, to) = (Lock::new()?, RawArray::new(b"abc")?, RawArray::zeroed(3)?);
    let text = Value::new(ShString::new())?;
    let kinds = [What::Nothing, What::Numbers(numbers.clone()), What::Point { x: x.clone(), y }];
    let (mut ends, mut all) = (Vec::new(), Vec::new());
    for (name, what) in ["one", "two", "six"].into_iter().zip(kinds) {
        let (file, mut writer) = std::io::pipe()?;
        write!(writer, "{name} ")?;
        let list = vec![(Some(lock.clone()), [from.clone(), to.clone()]), (None, [from.clone(), to.clone()])];
        let (ours, answers) = pipe::<u8, String>()?;
        ends.push(ours);
        let (file, total, text) = (OwnedFd::from(file).into(), total.clone(), Box::new(text.clone()));
        all.push(Parcel { name: name.to_owned(), total, what, list, file, answers, text });
    }
    Process::spawn(unpack, all)?.join()?.exit_ok()?;
    let told: Vec<String> = ends.iter().map(|end| end.recv().expect("an answer")).collect();
    assert_eq!(told, ["one", "two", "six"]);
    assert_eq!((total.get()?, numbers.to_vec()?, x.load()), (12, vec![3, 2, 1], 2.5));
    assert_eq!((to.to_vec(), &**text.lock()?), (b"abc".to_vec(), "onetwosix"));
    Ok(())
}

#[carom::task]
fn relay(left: Connection<Value<u64>, Value<u64>>, generations: u32) {
    if generations > 0 {
        let (ours, theirs) = pipe().expect("pipe");
        let process = Process::spawn(relay, (theirs, generations - 1)).expect("spawn");
        for value in left.iter().map_while(Result::ok) {
            *value.lock().expect("lock") += 1;
            ours.send(&value).expect("send");
            left.send(&ours.recv().expect("it comes back")).expect("send");
        }
        drop(ours);
        process.join().expect("join").exit_ok().expect("success");
    } else {
        for value in left.iter().map_while(Result::ok) {
            *value.lock().expect("lock") += 100;
            left.send(&value).expect("send");
        }
    }
}

#[carom::test]
fn handles_go_by_messages_to_a_grandchild_and_come_back() -> carom::Result<()> {
    let _watchdog = watchdog();
    let (ours, theirs) = pipe()?;
    let process = Process::spawn(relay, (theirs, 2))?;
    for i in 0..20 {
        let value = Value::new(i)?;
        ours.send(&value)?;
        let returned: Value<u64> = ours.recv()?;
        assert_eq!(returned.as_lock(), value.as_lock());
        assert_eq!((value.get()?, returned.get()?), (i + 102, i + 102));
    }
    drop(ours);
    process.join()?.exit_ok()?;
    Ok(())
}

#[carom::task]
fn both(pair: (Value<u64>, Value<u64>), list: Vec<Lock>) -> Vec<bool> {
    pair.0.set(5).expect("set");
    assert_eq!(pair.1.get().expect("get"), 5);
    let guard = list[0].lock().expect("lock");
    assert_eq!(list.iter().filter(|lock| lock.owner().is_none()).count(), 1);
    drop(guard);
    list.iter().map(|lock| lock == pair.1.as_lock()).collect()
}

#[carom::test]
fn one_object_received_twice_is_one_object() -> carom::Result<()> {
    let _watchdog = watchdog();
    let (value, other) = (Value::new(1)?, Lock::new()?);
    let pool = Pool::builder().processes(1).build()?;
    let locks = vec![value.as_lock().clone(), other, value.as_lock().clone()];
    assert_eq!(pool.apply(both, ((value.clone(), value.clone()), locks))?, [true, false, true]);
    // by two messages, in the process that made it
    let (to, from) = pipe::<Value<u64>, Value<u64>>()?;
    to.send(&value)?;
    to.send(&value)?;
    let (first, second) = (from.recv()?, from.recv()?);
    assert!(first.as_lock() == second.as_lock() && first.as_lock() == value.as_lock());
    let guard = first.lock()?;
    assert!(second.try_lock().is_err() && value.try_lock().is_err());
    drop((guard, value, first.clone()));
    drop(first);
    assert_eq!(second.get()?, 5);
    Ok(())
}

#[carom::task]
fn hand_back(value: Value<u64>, array: RawArray<u8>, file: Fd<File>) -> (Fd<File>, RawArray<u8>, Value<u64>) {
    *value.lock().expect("lock") += 1;
    (file, array, value)
}

#[carom::test]
fn handles_are_results_beside_other_descriptors() -> carom::Result<()> {
    let _watchdog = watchdog();
    let pool = Pool::builder().processes(2).build()?;
    let (value, array) = (Value::new(0)?, RawArray::new(b"xyz")?);
    let inputs = (0..50).map(|_| (value.clone(), array.clone(), Fd(File::open("/dev/null").expect("open"))));
    for result in pool.imap(hand_back, inputs) {
        let (_file, returned_array, returned) = result?;
        assert_eq!(returned.as_lock(), value.as_lock());
        assert_eq!(returned_array.to_vec(), b"xyz");
    }
    assert_eq!(value.get()?, 50);
    Ok(())
}

#[carom::test]
fn a_lock_of_a_value_goes_alone_and_keeps_the_value() -> carom::Result<()> {
    let _watchdog = watchdog();
    let (to, from) = pipe::<Lock, Lock>()?;
    let value = Value::new(5)?;
    to.send(value.as_lock())?;
    let lock = from.recv()?;
    assert_eq!(&lock, value.as_lock());
    drop(value);
    let others: Vec<_> = (0..100).map(Value::new).collect::<Result<_, _>>()?;
    let guard = lock.lock()?;
    assert!(others.iter().all(|other| other.try_lock().is_ok() && other.as_lock() != &lock));
    drop(guard);
    Ok(())
}
