use carom::{Process, Value};

#[carom::task]
fn count(total: Value<u64>) {
    *total.lock().unwrap() += 1;
}

fn main() -> carom::Result<()> {
    Process::spawn(count, 0_u64)?;
    Ok(())
}
