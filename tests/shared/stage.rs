//! What several of the tests use: processes that hold a lock until they are told, and what memory a process has.
use std::os::unix::fs::MetadataExt;

use carom::{Connection, Lock, Process, pipe};

use crate::common::descriptors;

/// A process that holds a lock, and what it is to do then.
pub(crate) struct Holder {
    process: Process,
    orders: Connection<Order, ()>,
}

#[derive(Clone, Copy, serde::Serialize, serde::Deserialize)]
pub(crate) enum Order {
    Release,
    Panic,
}

#[carom::task]
fn hold(lock: Lock, orders: Connection<(), Order>) {
    // in order or not
    let guard = lock.lock().or_else(|died| Ok::<_, ()>(died.into_guard())).expect("a guard");
    orders.send(&()).expect("send");
    match orders.recv().expect("an order") {
        Order::Release => drop(guard),
        Order::Panic => panic!("on purpose"),
    }
}

impl Holder {
    /// When this returns, the process holds the lock.
    #[track_caller]
    pub(crate) fn of(lock: &Lock) -> Self {
        let (orders, theirs) = pipe().expect("pipe");
        let process = Process::spawn(hold, (lock.clone(), theirs)).expect("spawn");
        orders.recv().expect("it holds the lock");
        Self { process, orders }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.pid()
    }

    pub(crate) fn order(&self, order: Order) {
        self.orders.send(&order).expect("send");
    }

    /// Waits for the end that was ordered.
    #[track_caller]
    pub(crate) fn join(self) -> u32 {
        let _ = self.process.join().expect("join");
        self.process.pid()
    }

    /// Kills it; its pid.
    #[track_caller]
    pub(crate) fn kill(self) -> u32 {
        self.process.kill().expect("kill");
        self.join()
    }
}

/// How much memory the shared memory takes that this process has open.
pub(crate) fn memory() -> u64 {
    memory_of("self")
}

/// The same for another process.
pub(crate) fn memory_of(pid: &str) -> u64 {
    let mut files: Vec<(u64, u64)> = descriptors(pid)
        .into_iter()
        .filter(|(_, what)| what.starts_with("/memfd:carom "))
        .filter_map(|(fd, _)| std::fs::metadata(format!("/proc/{pid}/fd/{fd}")).ok())
        .map(|file| (file.ino(), 512 * file.blocks()))
        .collect();
    files.sort_unstable();
    files.dedup();
    files.iter().map(|(_, size)| size).sum()
}
