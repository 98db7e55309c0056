#[carom::task]
fn first<'a>(text: &'a str) -> Option<char> {
    text.chars().next()
}

fn main() {}
