use carom::Process;

fn main() {
    let _ = Process::spawn(|x: u64| println!("{x}"), 3);
}
