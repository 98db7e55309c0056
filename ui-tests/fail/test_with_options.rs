#[carom::test(timeout = "5s")]
fn nothing_happens() {}

fn main() {}
