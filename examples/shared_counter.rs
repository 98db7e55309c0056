//! One number that several processes count up: under its lock, and as an atomic.
//!
//! ```text
//! cargo run --example shared_counter [PROCESSES [TIMES]]
//! ```
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use carom::{Process, RawValue, Value};

#[carom::task]
fn count(locked: Value<u64>, atomic: RawValue<AtomicU64>, times: u64) {
    for _ in 0..times {
        *locked.lock().expect("nobody dies here") += 1;
        atomic.fetch_add(1, Relaxed);
    }
}

#[carom::main]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<u64>());
    let processes = arguments.next().transpose()?.unwrap_or(4);
    let times = arguments.next().transpose()?.unwrap_or(100_000);

    let locked = Value::new(0)?;
    let atomic = RawValue::new(AtomicU64::new(0))?;
    let counting = (0..processes).map(|_| Process::spawn(count, (locked.clone(), atomic.clone(), times)));
    for process in counting.collect::<Result<Vec<_>, _>>()? {
        process.join()?.exit_ok()?;
    }

    println!("under a lock {}, atomic {}, should be {}", locked.get()?, atomic.load(Relaxed), processes * times);
    Ok(())
}
