use carom::Process;

#[carom::task]
fn greet(name: &str) {
    println!("hello {name}");
}

fn main() {
    greet("world");
    let _ = Process::spawn(greet, "world".to_owned());
}
