#[carom::main(processes = 4)]
fn main() {}
