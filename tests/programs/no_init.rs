//! A `main` that forgot `carom::init()`: nothing is started, and the error says what to write.
#[carom::task]
fn nothing() {}

fn main() {
    let error = carom::Process::spawn(nothing, ()).expect_err("a child of this program would start it again");
    println!("{error}");
}
