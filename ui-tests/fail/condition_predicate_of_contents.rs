use carom::{Condition, Value};

fn main() -> carom::Result<()> {
    let (done, changed) = (Value::new(0_u32)?, Condition::new()?);
    let _done = changed.wait_for(done.lock()?, |done| *done == 3)?;
    Ok(())
}
