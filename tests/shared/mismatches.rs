//! Handles where they cannot go, or that are taken for others than they are.
use carom::{Array, Connection, Fd, Lock, Process, RawArray, RawValue, RecvError, ShString, Untyped, Value, pipe};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::common::watchdog;

#[track_caller]
fn is_refused<T: DeserializeOwned>(from: &Connection, what: &str) {
    match from.recv::<T>() {
        Ok(_) => panic!("{what} was taken for a {}", std::any::type_name::<T>()),
        Err(RecvError::Decode { .. }) => {}
        Err(error) => panic!("{error:?}"),
    }
}

#[test]
fn a_handle_of_one_type_is_not_taken_for_one_of_another() -> carom::Result<()> {
    let _watchdog = watchdog();
    let (to, from) = pipe::<Untyped, Untyped>()?;
    let value = Value::new(5_u64)?;
    let refusals: [fn(&Connection); 14] = [
        |from| is_refused::<Value<i64>>(from, "Value<u64>"),
        |from| is_refused::<Value<f64>>(from, "Value<u64>"),
        |from| is_refused::<Value<usize>>(from, "Value<u64>"),
        |from| is_refused::<Value<u32>>(from, "Value<u64>"),
        |from| is_refused::<Value<[u64; 1]>>(from, "Value<u64>"),
        |from| is_refused::<Value<[u64; 2]>>(from, "Value<u64>"),
        |from| is_refused::<Value<[u64; 1000]>>(from, "Value<u64>"),
        |from| is_refused::<Value<ShString<4>>>(from, "Value<u64>"),
        |from| is_refused::<Value<std::num::NonZero<u64>>>(from, "Value<u64>"),
        |from| is_refused::<Array<u64>>(from, "Value<u64>"),
        |from| is_refused::<RawValue<u64>>(from, "Value<u64>"),
        |from| is_refused::<RawArray<u64>>(from, "Value<u64>"),
        |from| is_refused::<Fd<std::fs::File>>(from, "Value<u64>"),
        |from| is_refused::<String>(from, "Value<u64>"),
    ];
    for refused in refusals {
        to.send(&value)?;
        refused(&from);
    }
    to.send(&Array::new(&[1_u64, 2])?)?;
    is_refused::<Array<[u64; 2]>>(&from, "Array<u64>");
    to.send(&Array::new(&[1_u64])?)?;
    is_refused::<Value<u64>>(&from, "Array<u64>");
    to.send(&RawArray::new(&[1_u64])?)?;
    is_refused::<RawArray<std::sync::atomic::AtomicU64>>(&from, "RawArray<u64>");
    to.send(&Lock::new()?)?;
    is_refused::<Value<()>>(&from, "Lock");
    to.send(&5_u64)?;
    is_refused::<Lock>(&from, "u64");
    // nothing has become of what was refused, and the connection goes on
    to.send(&value)?;
    let received: Value<u64> = from.recv()?;
    assert_eq!((received.as_lock(), received.get()?), (value.as_lock(), 5));
    Ok(())
}

#[test]
fn the_error_tells_what_is_wrong() -> carom::Result<()> {
    let _watchdog = watchdog();
    let (to, from) = pipe::<Untyped, Untyped>()?;
    to.send(&Value::new(5_u64)?)?;
    let error = from.recv::<Value<i64>>().expect_err("another type");
    let text = format!("{error:?}");
    assert!(text.contains("a handle is of an object of another type, length or layout"), "{text}");
    Ok(())
}

#[test]
fn more_large_objects_than_a_message_carries_are_an_error() -> carom::Result<()> {
    let _watchdog = watchdog();
    let (to, from) = pipe::<Vec<RawArray<u64>>, Vec<RawArray<u64>>>()?;
    // each has a descriptor
    let mut arrays: Vec<_> = (0..251).map(|_| RawArray::zeroed(3 << 20)).collect::<Result<_, _>>()?;
    let error = to.send(&arrays).expect_err("too many");
    assert!(format!("{error:?}").contains("more than 250 descriptors"), "{error:?}");
    arrays.pop();
    to.send(&arrays)?;
    let received = from.recv()?;
    received.iter().for_each(|array| array.set(5, 1).expect("it is there"));
    assert!(received.len() == 250 && arrays.iter().all(|array| array.get(5) == Some(1)));
    Ok(())
}

#[carom::task]
fn receive_wrongly(from: Connection) {
    is_refused::<Value<u32>>(&from, "Value<u64>");
    is_refused::<Value<u32>>(&from, "Value<u64>");
    let value: Value<u64> = from.recv().expect("a value");
    value.set(6).expect("set");
}

#[carom::test]
fn a_process_that_receives_another_type_goes_on() -> carom::Result<()> {
    let _watchdog = watchdog();
    let (to, from) = pipe()?;
    let process = Process::spawn(receive_wrongly, from)?;
    let value = Value::new(5_u64)?;
    (0..3).try_for_each(|_| to.send(&value))?;
    process.join()?.exit_ok()?;
    assert_eq!(value.get()?, 6);
    Ok(())
}

/// The fields of a handle, for one who makes them up.
#[derive(Serialize)]
struct Wire {
    segment: u32,
    offset: u64,
    len: u64,
    generation: u32,
    count: usize,
}

#[test]
fn handles_that_are_made_up_are_refused() -> carom::Result<()> {
    let _watchdog = watchdog();
    let (to, from) = pipe::<Untyped, Untyped>()?;
    let value = RawValue::new(5_u64)?;
    for (segment, offset, len, generation, count) in [
        // without a descriptor
        (0, 4096, 128, 1, 1),
        (u32::MAX, 0, 0, 0, 0),
    ] {
        to.send(&Wire { segment, offset, len, generation, count })?;
        is_refused::<RawValue<u64>>(&from, "what is made up");
    }
    // with a real one
    for (offset, len, generation, count) in [
        (0, 128, 1, 1),
        (1, 128, 1, 1),
        (4096 + 1, 128, 1, 1),
        (4096, 128, 0, 1),
        (4096, 128, u32::MAX, 1),
        (4096, 0, 1, 1),
        (4096, u64::MAX, 1, 1),
        (u64::MAX - 63, 128, 1, 1),
        (1 << 40, 128, 1, 1),
        (4096, 128, 1, 0),
        (4096, 128, 1, usize::MAX),
    ] {
        to.send(&(Wire { segment: 0, offset, len, generation, count }, &value))?;
        is_refused::<(RawValue<u64>, RawValue<u64>)>(&from, "what is made up");
        to.send(&(Wire { segment: 0, offset, len, generation, count }, &value))?;
        is_refused::<(RawArray<u8>, RawValue<u64>)>(&from, "what is made up");
    }
    // a descriptor of something else
    for path in ["/dev/null", "/dev/zero", "/etc/passwd"] {
        let file = Fd(std::fs::File::open(path)?);
        to.send(&(Wire { segment: 0, offset: 4096, len: 128, generation: 1, count: 1 }, &file))?;
        is_refused::<(RawValue<u64>, Fd<std::fs::File>)>(&from, path);
    }
    to.send(&value)?;
    assert_eq!(from.recv::<RawValue<u64>>()?.load(), 5);
    Ok(())
}

#[carom::test]
fn a_value_does_not_come_with_another_lock_than_its_own() -> carom::Result<()> {
    let _watchdog = watchdog();
    let (to, from) = pipe::<Untyped, Untyped>()?;
    let (value, other) = (Value::new(1_u64)?, Lock::new()?);
    // as a value travels that has a lock of others: two objects, of which a lock may be any
    to.send(&(value.as_lock(), Some(&other)))?;
    is_refused::<Value<u64>>(&from, "what has two locks");
    to.send(&(value.as_lock(), None::<Lock>))?;
    assert_eq!(from.recv::<Value<u64>>()?.as_lock(), value.as_lock());
    let under = Value::with_lock(2_u64, &other)?;
    to.send(&under)?;
    assert_eq!(from.recv::<Value<u64>>()?.as_lock(), &other);
    Ok(())
}

#[carom::test]
fn the_middle_of_an_object_is_none() -> carom::Result<()> {
    let _watchdog = watchdog();
    let (to, from) = pipe::<Untyped, Untyped>()?;
    // full of what would be heads of generation 1
    let array = RawArray::filled([1_u32; 16], 100)?;
    for offset in (4096..4096 + 64 * 1000).step_by(64) {
        to.send(&(&array, Wire { segment: 0, offset, len: 64, generation: 1, count: 0 }))?;
        if let Ok((same, lock)) = from.recv::<(RawArray<[u32; 16]>, Lock)>() {
            // of an object that another test has there
            assert!(lock.try_lock().is_ok() || lock.owner().is_some());
            drop(same);
        }
    }
    assert!(array.iter().all(|numbers| numbers == [1; 16]));
    Ok(())
}
