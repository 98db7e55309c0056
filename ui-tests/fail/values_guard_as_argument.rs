use carom::{Guard, Process, Value};

#[carom::task]
fn count(mut total: Guard<'static, u64>) {
    *total += 1;
}

fn main() -> carom::Result<()> {
    let total = Value::new(0_u64)?;
    Process::spawn(count, total.lock()?)?;
    Ok(())
}
