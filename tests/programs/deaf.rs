//! A program that knows nothing of carom, ignores its arguments and does not end.
fn main() {
    loop {
        std::thread::park();
    }
}
