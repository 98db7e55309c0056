use carom::Process;

fn square(x: u64) {
    println!("{}", x * x);
}

fn main() {
    let _ = Process::spawn(square, 3);
}
