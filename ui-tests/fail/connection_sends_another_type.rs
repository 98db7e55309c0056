use carom::{Connection, pipe};

fn main() {
    let (numbers, _other): (Connection<u64, ()>, _) = pipe().expect("a pipe");
    numbers.send("seven").expect("send");
}
