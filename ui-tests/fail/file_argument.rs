use std::fs::File;

#[carom::task]
fn log(file: File) {
    drop(file);
}

fn main() {}
