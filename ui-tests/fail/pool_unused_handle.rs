#![deny(unused_must_use)]
use carom::Pool;

#[carom::task]
fn square(x: u64) -> u64 {
    x * x
}

fn main() -> carom::Result<()> {
    Pool::new()?.apply_async(square, 3);
    Ok(())
}
