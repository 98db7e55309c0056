//! `?` makes all kinds of errors of that of a lock, in functions that own and that borrow what is locked.
use std::error::Error;
use std::time::Duration;

use carom::{Array, Lock, OwnerDied, RemoteError, Value};

fn borrowed(value: &Value<u32>) -> Result<(), Box<dyn Error>> {
    *value.lock()? += 1;
    *value.try_lock()? += 1;
    *value.lock_timeout(Duration::from_secs(1))? += 1;
    Ok(())
}

fn threads(array: &Array<u8>) -> Result<(), Box<dyn Error + Send + Sync>> {
    array.lock()?[0] = 1;
    Ok(())
}

fn remote(lock: Lock) -> Result<(), RemoteError> {
    let _guard = lock.lock()?;
    Ok(())
}

fn accepted(value: &Value<u32>, lock: &Lock) -> u32 {
    drop(lock.lock().unwrap_or_else(OwnerDied::into_guard));
    *value.lock().unwrap_or_else(OwnerDied::into_guard)
}

fn main() -> Result<(), Box<dyn Error>> {
    let value = Value::new(1)?;
    let array = Array::new(&[0_u8])?;
    let lock = Lock::new()?;
    borrowed(&value)?;
    threads(&array).map_err(|error| error.to_string())?;
    remote(lock.clone())?;
    *value.lock()? += 1;
    assert_eq!(accepted(&value, &lock), 5);
    assert_eq!(format!("{value:?} {array:?}"), "Value { data: 5 } Array { data: [1] }");
    let after = std::panic::catch_unwind(|| *value.lock().expect("free"));
    assert_eq!(after.expect("no panic"), 5);
    Ok(())
}
