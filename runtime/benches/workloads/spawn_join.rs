//! Starting a process that runs a trivial function, and joining it.

use carom::Process;

use crate::report::p50;
use crate::tiny;

fn spawn_and_join() {
    let process = Process::spawn(tiny, 5).expect("spawn");
    assert!(process.join().expect("join").success());
}

pub(crate) fn spawn_join() {
    p50("spawn_join", "carom/spawn", 100, spawn_and_join);
}

/// The same from a parent that has touched much memory, which a start must not pay for.
pub(crate) fn large_parent() {
    let name = "spawn_join_large_parent";
    p50(name, "carom/spawn(small)", 100, spawn_and_join);
    for (peer, mebibytes) in [("carom/spawn(256MiB)", 256), ("carom/spawn(8GiB)", 8192)] {
        let mut memory = vec![0u8; mebibytes << 20];
        memory.iter_mut().step_by(4096).for_each(|byte| *byte = 1);
        p50(name, peer, 100, spawn_and_join);
        std::hint::black_box(&memory);
    }
}
