//! A `main` that calls `carom::init()` in the parent only, so that a child runs past it.
use carom::Process;

#[carom::task]
fn nothing() {}

fn main() {
    let is_child = std::env::args().next().is_some_and(|program| program.contains("carom child"));
    if is_child {
        // what such a program would do next: start processes of its own
        let error = Process::spawn(nothing, ()).expect_err("this process was never diverted");
        eprintln!("{error}");
        return;
    }
    carom::init();
    let process = Process::spawn(nothing, ()).expect("spawn");
    println!("{}", process.join().expect_err("the task never ran"));
}
