//! Figures in the form that `BENCHMARKS.md` describes: `cargo bench -p carom --bench workloads -- WORKLOAD`.
#![allow(missing_docs)]

mod faults;
mod limits;
mod memory;
mod pipe;
mod pool;
mod report;
mod spawn_join;
mod sync;

/// Every workload by name, in the order of the table in `BENCHMARKS.md`.
const WORKLOADS: [(&str, fn()); 20] = [
    ("spawn_join", spawn_join::spawn_join),
    ("spawn_join_large_parent", spawn_join::large_parent),
    ("pipe_rtt", pipe::pipe_rtt),
    ("pipe_bw", pipe::pipe_bw),
    ("pool_roundtrip", pool::pool_roundtrip),
    ("pool_map_tiny", pool::pool_map_tiny),
    ("pool_map_payload", pool::pool_map_payload),
    ("real_job", pool::real_job),
    ("pool_limit", faults::pool_limit),
    ("pool_recycle", faults::pool_recycle),
    ("pool_kill_storm", faults::pool_kill_storm),
    ("pool_memory", faults::pool_memory),
    ("lock_uncontended", memory::lock_uncontended),
    ("lock_contended", memory::lock_contended),
    ("shared_value", memory::shared_value),
    ("attach", memory::attach),
    ("event_pingpong", sync::event_pingpong),
    ("condition_pingpong", sync::condition_pingpong),
    ("barrier_round", sync::barrier_round),
    ("semaphore", sync::semaphore),
];

/// The smallest task that does something.
#[carom::task]
fn tiny(x: u64) -> u64 {
    x.wrapping_mul(2_654_435_761).wrapping_add(1)
}

fn main() {
    carom::init();
    // cargo adds `--bench`
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let [wanted] = &*wanted else {
        eprintln!("usage: cargo bench -p carom --bench workloads -- WORKLOAD");
        for (name, _) in WORKLOADS {
            eprintln!("  {name}");
        }
        std::process::exit(2);
    };
    // a name that is not here prints nothing: a driver may ask every program for every workload
    if let Some((_, run)) = WORKLOADS.iter().find(|(name, _)| name == wanted) {
        run();
    }
}
