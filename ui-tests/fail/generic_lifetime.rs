#[carom::task]
fn length<'a>(text: String) -> usize {
    text.len()
}

fn main() {}
