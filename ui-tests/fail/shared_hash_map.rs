use std::collections::HashMap;

#[carom::shared]
struct Counts {
    by_word: HashMap<u32, u64>,
}

fn main() {}
