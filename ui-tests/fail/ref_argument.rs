#[carom::task]
fn length(ref text: String) -> usize {
    text.len()
}

fn main() {}
