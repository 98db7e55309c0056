use std::borrow::Cow;

#[carom::task]
fn length(text: Cow<'_, str>) -> usize {
    text.len()
}

fn main() {}
