use carom::{Connection, pipe};

fn main() {
    let (numbers, _other): (Connection<(), u64>, _) = pipe().expect("a pipe");
    let text: String = numbers.recv().expect("a text");
    println!("{text}");
}
