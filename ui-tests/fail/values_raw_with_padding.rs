#[carom::shared]
#[derive(Clone, Copy)]
struct Sample {
    channel: u8,
    level: f64,
}

fn main() {
    let _ = carom::RawArray::new(&[Sample { channel: 1, level: 0.5 }]);
}
