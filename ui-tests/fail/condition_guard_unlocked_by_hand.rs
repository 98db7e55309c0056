use carom::{Relock, Value};

fn main() -> carom::Result<()> {
    let value = Value::new(1)?;
    let guard = value.lock()?;
    guard.unlock();
    Ok(())
}
