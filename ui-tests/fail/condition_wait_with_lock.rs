use carom::{Condition, Lock};

fn main() -> carom::Result<()> {
    let (lock, changed) = (Lock::new()?, Condition::new()?);
    changed.wait(&lock)?;
    Ok(())
}
