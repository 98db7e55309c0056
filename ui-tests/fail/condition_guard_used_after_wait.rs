use carom::{Condition, Value};

fn main() -> carom::Result<()> {
    let (done, changed) = (Value::new(0_u32)?, Condition::new()?);
    let guard = done.lock()?;
    let _again = changed.wait(guard)?;
    assert_eq!(*guard, 3);
    Ok(())
}
