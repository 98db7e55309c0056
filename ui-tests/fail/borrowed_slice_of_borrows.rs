#[carom::task]
fn longest(words: &[&str]) -> Option<usize> {
    words.iter().map(|word| word.len()).max()
}

fn main() {}
