#[carom::shared]
union Number {
    whole: u64,
    real: f64,
}

fn main() {}
