use std::borrow::Cow;

#[carom::task]
fn length(text: Cow<str>) -> usize {
    text.len()
}

fn main() {}
