//! A condition waits with the guard of anything that has a lock, and so does a function that is generic over them.
use std::time::Duration;

use carom::{Array, Condition, Lock, OwnerDied, RLock, Relock, Value};

/// For no time, so that it needs nobody to notify it.
fn look<G: Relock>(changed: &Condition, guard: G) -> Result<G, OwnerDied<G>> {
    let (guard, notified) = changed.wait_timeout(guard, Duration::ZERO)?;
    assert!(!notified);
    let (guard, ready) = changed.wait_for_timeout(guard, Duration::ZERO, |_: &mut G| false)?;
    assert!(!ready);
    changed.wait_for(guard, |_| true)
}

fn last<'a>(changed: &Condition, value: &'a Value<u32>) -> Result<carom::Guard<'a, u32>, Box<dyn std::error::Error>> {
    Ok(changed.wait_for(value.lock()?, |value| **value == 2)?)
}

fn main() -> carom::Result<()> {
    let changed = Condition::new()?;
    let (value, array, lock, rlock) = (Value::new(1)?, Array::new(&[1, 2])?, Lock::new()?, RLock::new()?);
    *look(&changed, value.lock()?)? += 1;
    look(&changed, array.lock()?)?[0] += 1;
    drop(look(&changed, lock.lock()?)?);
    let outer = rlock.lock()?;
    drop(look(&changed, rlock.lock()?)?);
    assert_eq!(rlock.owner(), Some(std::process::id()));
    drop(outer);

    // contents that share the lock of another object are borrowed anew after each wait
    let total = Value::with_lock(0_u32, &lock)?;
    let mut guard = lock.lock()?;
    *total.borrow_mut(&mut guard) += 1;
    let mut guard = look(&changed, guard)?;
    *total.borrow_mut(&mut guard) += 1;
    drop(guard);

    let (guard, _) = changed.wait_timeout(array.lock()?, Duration::ZERO)?;
    assert_eq!(*guard, [2, 2]);
    assert_eq!(last(&changed, &value).map_err(|error| error.to_string()).as_deref(), Ok(&2));
    Ok(())
}
