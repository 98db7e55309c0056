//! Taking samples and printing lines of `name peer metric value unit [min=.. max=.. n=..]`.

use std::time::Instant;

/// How often each figure is taken; the median is printed.
const REPEATS: usize = 5;

/// The same for what moves much memory, which is noisy.
const REPEATS_OF_MEMORY: usize = 9;

/// Times `calls` calls of `call` one by one, several times, and prints the median of their medians.
pub(crate) fn p50(name: &str, peer: &str, calls: usize, call: impl FnMut()) {
    let rounds = timed(calls, call);
    print(name, peer, "p50", "us", rounds.iter().map(|round| round[calls / 2]).collect());
}

/// The same, and the time within which 99 of 100 calls are done.
pub(crate) fn latency(name: &str, peer: &str, calls: usize, call: impl FnMut()) {
    let rounds = timed(calls, call);
    print(name, peer, "p50", "us", rounds.iter().map(|round| round[calls / 2]).collect());
    print(name, peer, "p99", "us", rounds.iter().map(|round| round[calls * 99 / 100]).collect());
}

/// Takes the sample that `sample` returns several times, and prints the median.
pub(crate) fn throughput(name: &str, peer: &str, metric: &str, unit: &str, mut sample: impl FnMut() -> f64) {
    let repeats = if ["pipe_bw", "pool_map_payload"].contains(&name) { REPEATS_OF_MEMORY } else { REPEATS };
    print(name, peer, metric, unit, (0..repeats).map(|_| sample()).collect());
}

/// Prints the median of samples that were taken otherwise.
pub(crate) fn figure(name: &str, peer: &str, metric: &str, unit: &str, samples: Vec<f64>) {
    print(name, peer, metric, unit, samples);
}

/// How many operations one after the other are a sample.
const MANY: u32 = 2_000_000;

/// The nanoseconds of an operation that is too short to be timed alone.
pub(crate) fn nanoseconds(name: &str, peer: &str, metric: &str, mut operation: impl FnMut()) {
    throughput(name, peer, metric, "ns", || seconds(|| (0..MANY).for_each(|_| operation())) / f64::from(MANY) * 1e9);
}

/// The seconds that a call takes.
pub(crate) fn seconds(call: impl FnOnce()) -> f64 {
    let start = Instant::now();
    call();
    start.elapsed().as_secs_f64()
}

/// The microseconds of each call, in order of length, of several rounds.
fn timed(calls: usize, mut call: impl FnMut()) -> Vec<Vec<f64>> {
    for _ in 0..calls / 20 + 1 {
        call();
    }
    let mut round = || {
        let mut samples: Vec<f64> = (0..calls).map(|_| seconds(&mut call) * 1e6).collect();
        samples.sort_by(f64::total_cmp);
        samples
    };
    (0..REPEATS).map(|_| round()).collect()
}

fn print(name: &str, peer: &str, metric: &str, unit: &str, mut samples: Vec<f64>) {
    samples.sort_by(f64::total_cmp);
    let (count, median) = (samples.len(), samples[samples.len() / 2]);
    let (least, most) = (samples[0], samples[count - 1]);
    println!("{name} {peer} {metric} {median:.6e} {unit} min={least:.4e} max={most:.4e} n={count}");
}
