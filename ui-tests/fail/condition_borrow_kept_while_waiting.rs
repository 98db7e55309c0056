use carom::{Condition, Lock, Value};

fn main() -> carom::Result<()> {
    let (lock, changed) = (Lock::new()?, Condition::new()?);
    let done = Value::with_lock(0_u32, &lock)?;
    let mut guard = lock.lock()?;
    let number = done.borrow_mut(&mut guard);
    let _guard = changed.wait(guard)?;
    *number += 1;
    Ok(())
}
