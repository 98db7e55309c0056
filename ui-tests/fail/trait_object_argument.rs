#[carom::task]
fn apply(function: Box<dyn Fn(u64) -> u64>) -> u64 {
    function(3)
}

fn main() {}
