//! Producers and consumers, who wait for each other at a buffer of eight places: every item is seen once. When some of them
//! are killed the others go on, and nothing is lost but an item that a dead consumer had just taken.
//!
//! The buffer is whole at any time, because an item is put or taken by one store. So whoever is told that a holder of the lock died
//! has nothing to repair, but wakes the others, which the dead may have been about to do.
//!
//! ```text
//! cargo run --release --example bounded_buffer -- [PRODUCERS [CONSUMERS [ITEMS]]]
//! ```
use std::ops::Range;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed, Ordering::SeqCst, fence};

use carom::{Condition, Guard, OwnerDied, Process, RawArray, RemoteError, Value};
use serde::{Deserialize, Serialize};

const PLACES: u64 = 8;

#[carom::shared]
struct Ring {
    items: [u64; PLACES as usize],
    /// So many items were put, and so many taken, since the beginning. Atomics, and with fences around, because the compiler may
    /// otherwise change the order of what it takes for seen by nobody, and who comes after a death does see it.
    put: AtomicU64,
    taken: AtomicU64,
    /// How many are left, of which the main process keeps count, because the dead cannot.
    producers: u64,
    consumers: u64,
}

impl Ring {
    fn len(&self) -> u64 {
        self.put.load(Relaxed) - self.taken.load(Relaxed)
    }

    fn put(&mut self, item: u64) {
        let put = self.put.load(Relaxed);
        self.items[(put % PLACES) as usize] = item;
        count(&self.put, put + 1);
    }

    fn take(&mut self) -> u64 {
        let taken = self.taken.load(Relaxed);
        let item = self.items[(taken % PLACES) as usize];
        count(&self.taken, taken + 1);
        item
    }
}

fn count(items: &AtomicU64, number: u64) {
    fence(SeqCst);
    items.store(number, SeqCst);
    fence(SeqCst);
}

#[derive(Clone, Serialize, Deserialize)]
struct Buffer {
    ring: Value<Ring>,
    not_empty: Condition,
    not_full: Condition,
}

type Locked<'a> = Guard<'a, Ring>;

impl Buffer {
    fn lock(&self) -> Locked<'_> {
        self.go_on(self.ring.lock())
    }

    /// Waits while something is so, which `wait_for` would not do any more after a death.
    fn wait_while<'a>(&self, condition: &Condition, mut ring: Locked<'a>, so: impl Fn(&Ring) -> bool) -> Locked<'a> {
        while so(&ring) {
            ring = self.go_on(condition.wait(ring));
        }
        ring
    }

    fn go_on<'a>(&self, ring: Result<Locked<'a>, OwnerDied<Locked<'a>>>) -> Locked<'a> {
        ring.unwrap_or_else(|died| {
            self.wake_all();
            died.into_guard()
        })
    }

    fn wake_all(&self) {
        self.not_empty.notify_all();
        self.not_full.notify_all();
    }

    /// Waits for a place, and puts an item there; false if nobody is left to take it.
    fn put(&self, item: u64) -> bool {
        let mut ring = self.wait_while(&self.not_full, self.lock(), |ring| ring.len() == PLACES && ring.consumers > 0);
        if ring.consumers == 0 {
            return false;
        }
        ring.put(item);
        // under the lock: of one who is killed before this, the next one is told
        self.not_empty.notify(1);
        true
    }

    /// Waits for an item, and takes it; none if there are no more to come.
    fn take(&self) -> Option<u64> {
        let mut ring = self.wait_while(&self.not_empty, self.lock(), |ring| ring.len() == 0 && ring.producers > 0);
        if ring.len() == 0 {
            return None;
        }
        let item = ring.take();
        self.not_full.notify(1);
        Some(item)
    }
}

#[carom::task]
fn produce(buffer: Buffer, items: Range<u64>) {
    for item in items {
        if !buffer.put(item) {
            break;
        }
    }
}

/// Counts how often each item was seen. One who is killed has taken at most one that it has not counted.
#[carom::task]
fn consume(buffer: Buffer, seen: RawArray<AtomicU32>) {
    while let Some(item) = buffer.take() {
        seen[item as usize].fetch_add(1, Relaxed);
    }
}

/// Waits for a process, and tells the others that it has gone; whether it ended well.
fn join(process: &Process, buffer: &Buffer, left: fn(&mut Ring) -> &mut u64) -> bool {
    let end: carom::Result<()> = process.join().map_err(Into::into).and_then(|status| Ok(status.exit_ok()?));
    *left(&mut buffer.lock()) -= 1;
    buffer.wake_all();
    end.inspect_err(|failed| eprintln!("{} (pid {}): {failed}", process.name(), process.pid())).is_ok()
}

#[carom::main]
fn main() -> Result<(), RemoteError> {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<u64>());
    let mut number = |default| arguments.next().unwrap_or(Ok(default));
    let (producers, consumers, items) = (number(3)?, number(2)?, number(100_000)?);

    let (put, taken) = (AtomicU64::new(0), AtomicU64::new(0));
    let ring = Value::new(Ring { items: [0; PLACES as usize], put, taken, producers, consumers })?;
    let buffer = Buffer { ring, not_empty: Condition::new()?, not_full: Condition::new()? };
    let seen = RawArray::<AtomicU32>::zeroed(items as usize)?;

    // daemonic: if one of them does not start, nobody waits for the others
    let process = |name| Process::builder().name(name).daemon(true);
    let consumer = |i| process(format!("consumer {i}")).spawn(consume, (buffer.clone(), seen.clone()));
    let producer = |i| {
        let part = (i - 1) * items / producers..i * items / producers;
        process(format!("producer {i}")).spawn(produce, (buffer.clone(), part))
    };
    let consuming = (1..=consumers).map(consumer).collect::<Result<Vec<_>, _>>()?;
    let producing = (1..=producers).map(producer).collect::<Result<Vec<_>, _>>()?;

    let ends: Vec<bool> = std::thread::scope(|scope| {
        let buffer = &buffer;
        let join = |process, left| scope.spawn(move || join(process, buffer, left));
        let consuming = consuming.iter().map(|process| join(process, |ring| &mut ring.consumers));
        let producing = producing.iter().map(|process| join(process, |ring| &mut ring.producers));
        let threads: Vec<_> = consuming.chain(producing).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    let consumers_killed = ends[..consuming.len()].iter().filter(|end| !**end).count() as u64;

    let ring = buffer.lock();
    let (put, taken) = (ring.put.load(Relaxed), ring.taken.load(Relaxed));
    let times = |wanted: fn(u32) -> bool| seen.iter().filter(|times| wanted(times.load(Relaxed))).count() as u64;
    let (once, more) = (times(|times| times == 1), times(|times| times > 1));
    println!("{items} items, {put} put, {taken} taken, {once} seen once, {more} more often");
    if more > 0 || taken - once > consumers_killed {
        return Err(RemoteError::msg("an item was lost or seen twice"));
    }
    Ok(())
}
