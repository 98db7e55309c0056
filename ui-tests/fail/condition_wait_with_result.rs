use carom::{Condition, OwnerDied, Value};

fn main() -> carom::Result<()> {
    let (done, changed) = (Value::new(0_u32)?, Condition::new()?);
    let _done = changed.wait(done.lock()).map_err(OwnerDied::release)?;
    Ok(())
}
