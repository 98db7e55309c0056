use carom::Pool;

#[carom::task]
fn square(x: u64) -> u64 {
    x * x
}

fn main() -> carom::Result<()> {
    Pool::new()?.apply(square, "three")?;
    Ok(())
}
