//! Handles that are taken for others than they are, or written where no message is.
use carom::{
    Barrier, BoundedSemaphore, Condition, Connection, Event, Lock, RLock, RawArray, RawValue, RecvError, Semaphore,
};
use carom::{Untyped, Value, pipe};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::common::outside::Outside;
use crate::common::watchdog;

/// Whether what comes is taken for a handle of this type.
fn is<T: DeserializeOwned>(from: &Connection) -> bool {
    match from.recv::<T>() {
        Ok(_) => true,
        Err(RecvError::Decode { .. }) => false,
        Err(error) => panic!("{error:?}"),
    }
}

type Is = fn(&Connection) -> bool;

const TYPES: [(&str, Is); 11] = [
    ("Semaphore", is::<Semaphore>),
    ("BoundedSemaphore", is::<BoundedSemaphore>),
    ("Condition", is::<Condition>),
    ("Barrier", is::<Barrier>),
    ("Event", is::<Event>),
    ("RLock", is::<RLock>),
    ("Lock", is::<Lock>),
    ("Value", is::<Value<u32>>),
    ("RawValue", is::<RawValue<u32>>),
    ("RawArray", is::<RawArray<u64>>),
    ("number", is::<u32>),
];

#[track_caller]
fn is_only(name: &str, handle: &impl Serialize, to: &Connection, from: &Connection) {
    for (other, is) in TYPES {
        to.send(handle).expect("send");
        assert_eq!(is(from), name == other, "a {name}, received as a {other}");
    }
}

#[test]
fn a_handle_of_one_type_is_not_taken_for_one_of_another() -> carom::Result<()> {
    let _watchdog = watchdog();
    let (to, from) = pipe::<Untyped, Untyped>()?;
    is_only("Semaphore", &Semaphore::new(2)?, &to, &from);
    // as large as that one
    is_only("BoundedSemaphore", &BoundedSemaphore::new(256)?, &to, &from);
    is_only("Condition", &Condition::new()?, &to, &from);
    is_only("Barrier", &Barrier::new(2)?, &to, &from);
    is_only("Event", &Event::new()?, &to, &from);
    is_only("RLock", &RLock::new()?, &to, &from);
    is_only("Lock", &Lock::new()?, &to, &from);
    // and the connection goes on
    let permits = Semaphore::new(3)?;
    to.send(&permits)?;
    assert_eq!(from.recv::<Semaphore>()?.available(), 3);
    Ok(())
}

#[test]
fn outside_of_a_message_a_handle_says_where_it_may_go() -> carom::Result<()> {
    let _watchdog = watchdog();
    let (permits, changed) = (Semaphore::new(1)?, Condition::new()?);
    let written = [
        ("a `Semaphore`", permits.serialize(Outside)),
        ("a `BoundedSemaphore`", BoundedSemaphore::new(1)?.serialize(Outside)),
        ("a `Condition`", changed.serialize(Outside)),
        ("a `Barrier`", Barrier::new(1)?.serialize(Outside)),
        ("an `Event`", Event::new()?.serialize(Outside)),
        ("an `RLock`", RLock::new()?.serialize(Outside)),
    ];
    for (name, written) in written {
        let places = "can go to another process only as an argument of a process or of a task in a pool, as what such \
                      a task returns, or in a message of a `Connection`";
        assert_eq!(written.expect_err("outside").to_string(), format!("{name} {places}"));
    }
    // nothing has become of them
    assert_eq!((permits.available(), changed.waiting()), (1, vec![]));
    Ok(())
}

/// What of a handle travels.
#[derive(Serialize, Deserialize)]
struct Wire {
    segment: u32,
    offset: u64,
    len: u64,
    generation: u32,
    count: usize,
}

#[test]
fn a_handle_that_claims_other_numbers_than_its_own_is_refused() -> carom::Result<()> {
    let _watchdog = watchdog();
    let (to, from) = pipe::<Untyped, Untyped>()?;
    let permits = Semaphore::new(2)?;
    // far from all that there is, too long, or with so many permits that no memory holds them
    for (offset, len, count) in
        [(1 << 40, 4096, 256), (4096, 1 << 40, 1 << 35), (4096, 4096, usize::MAX), (7, 4096, 256)]
    {
        to.send(&(&permits, Wire { segment: 0, offset, len, generation: 1, count }))?;
        assert!(!is::<(Semaphore, Semaphore)>(&from));
        to.send(&(&permits, Wire { segment: 0, offset, len, generation: 1, count }))?;
        assert!(!is::<(Semaphore, Barrier)>(&from));
    }
    assert_eq!(permits.available(), 2);
    Ok(())
}
