#![deny(unused_must_use)]
use std::time::Duration;

fn main() -> carom::Result<()> {
    let two_at_once = carom::Semaphore::new(2)?;
    two_at_once.acquire();
    two_at_once.try_acquire();
    two_at_once.acquire_timeout(Duration::from_secs(1));
    Ok(())
}
