#[derive(serde::Serialize, serde::Deserialize)]
struct Name {
    text: &'static str,
}

#[carom::task]
fn length(name: Name) -> usize {
    name.text.len()
}

fn main() {}
