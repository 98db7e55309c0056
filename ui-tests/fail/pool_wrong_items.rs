use carom::Pool;

#[carom::task]
fn add(a: u64, b: u64) -> u64 {
    a + b
}

fn main() -> carom::Result<()> {
    Pool::new()?.map(add, [1, 2, 3])?;
    Ok(())
}
