#[carom::task]
fn apply(function: fn(u64) -> u64) -> u64 {
    function(3)
}

fn main() {}
