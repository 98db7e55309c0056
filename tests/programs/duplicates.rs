//! Two tasks under one name.
#[carom::task(name = "twice")]
fn one() {}

#[carom::task(name = "twice")]
fn two() {}

#[carom::main]
fn main() {
    one();
    two();
    println!("not reached");
}
