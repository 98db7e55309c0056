//! The smallest program: a function runs in another process.
//!
//! ```text
//! cargo run --example hello -- Ada Grace
//! ```
use carom::Process;

#[carom::task]
fn greet(name: String) {
    let me = carom::current_process();
    let parent = carom::parent_process().map_or("nobody", |parent| parent.name());
    println!("hello {name}, from {} (pid {}), child of {parent}", me.name(), me.pid());
}

#[carom::main]
fn main() -> carom::Result<()> {
    let mut names: Vec<String> = std::env::args().skip(1).collect();
    if names.is_empty() {
        names.push("world".to_owned());
    }
    for name in names {
        Process::spawn(greet, name)?.join()?.exit_ok()?;
    }
    Ok(())
}
