//! Taking samples and printing lines of `name peer metric value unit [min=.. max=.. n=..]`.

use std::time::Instant;

/// How often each figure is taken; the median is printed.
const REPEATS: usize = 5;

/// Times `calls` calls of `call` one by one, several times, and prints the median of their medians.
pub(crate) fn p50(name: &str, peer: &str, calls: usize, mut call: impl FnMut()) {
    for _ in 0..calls / 20 + 1 {
        call();
    }
    let mut medians: Vec<f64> = (0..REPEATS).map(|_| median((0..calls).map(|_| micros(&mut call)).collect())).collect();
    medians.sort_by(f64::total_cmp);
    let (least, most) = (medians[0], medians[REPEATS - 1]);
    println!("{name} {peer} p50 {:.6e} us min={least:.4e} max={most:.4e} n={REPEATS}", medians[REPEATS / 2]);
}

fn micros(call: impl FnOnce()) -> f64 {
    let start = Instant::now();
    call();
    start.elapsed().as_secs_f64() * 1e6
}

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}
