#[allow(non_camel_case_types)]
type square = u64;

#[carom::task]
fn square(x: u64) -> u64 {
    x * x
}

fn main() {}
