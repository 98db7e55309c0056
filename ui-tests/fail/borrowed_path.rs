use std::path::Path;

#[carom::task]
fn exists(path: &Path) -> bool {
    path.exists()
}

fn main() {}
