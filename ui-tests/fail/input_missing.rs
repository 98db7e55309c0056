use carom::Process;

#[carom::task]
fn greet() {
    println!("hello");
}

fn main() {
    let _ = Process::spawn(greet);
}
