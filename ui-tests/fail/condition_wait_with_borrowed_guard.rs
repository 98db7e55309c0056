use carom::{Condition, Value};

fn main() -> carom::Result<()> {
    let (done, changed) = (Value::new(0_u32)?, Condition::new()?);
    let mut guard = done.lock()?;
    while *guard < 3 {
        changed.wait(&mut guard)?;
    }
    Ok(())
}
