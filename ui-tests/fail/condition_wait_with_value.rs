use carom::{Condition, Value};

fn main() -> carom::Result<()> {
    let (done, changed) = (Value::new(0_u32)?, Condition::new()?);
    changed.wait(done)?;
    Ok(())
}
