use carom::Process;

#[carom::task]
fn add(a: u64, b: u64) {
    println!("{}", a + b);
}

fn main() {
    let _ = Process::spawn(add, 1, 2);
}
