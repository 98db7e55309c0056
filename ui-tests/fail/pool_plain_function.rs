use carom::Pool;

fn square(x: u64) -> u64 {
    x * x
}

fn main() -> carom::Result<()> {
    Pool::new()?.map(square, 0..3)?;
    Ok(())
}
