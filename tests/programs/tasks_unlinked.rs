//! Lists its tasks; the library in its manifest is named nowhere, and so not linked.
#[carom::task]
fn own() {}

#[carom::main]
fn main() {
    for task in carom::task::registered() {
        println!("{}", task.name());
    }
}
