#[carom::task]
fn square(x: u64) -> u64 {
    x * x
}

fn twice(function: impl Fn(u64) -> u64, x: u64) -> u64 {
    function(function(x))
}

fn main() {
    twice(square, 3);
}
