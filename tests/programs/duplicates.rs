//! Two tasks under one name.
#[carom::task(name = "twice")]
fn one() {}

#[carom::task(name = "twice")]
fn two() {}

#[carom::main]
fn main() {
    let _linked = (one, two);
    println!("not reached");
}
