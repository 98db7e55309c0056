use std::borrow::Cow;

#[carom::task]
fn length<'a>(text: Cow<'a, str>) -> usize {
    text.len()
}

fn main() {}
