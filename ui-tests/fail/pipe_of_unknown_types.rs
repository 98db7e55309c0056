fn main() {
    let (one, other) = carom::pipe().expect("a pipe");
    drop((one, other));
}
