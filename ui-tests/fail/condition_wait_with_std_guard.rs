use std::sync::Mutex;

use carom::Condition;

fn main() -> carom::Result<()> {
    let (done, changed) = (Mutex::new(0), Condition::new()?);
    let _done = changed.wait(done.lock().unwrap())?;
    Ok(())
}
