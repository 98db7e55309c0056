#[carom::task]
fn apply(function: &dyn Fn(u64) -> u64) -> u64 {
    function(3)
}

fn main() {}
