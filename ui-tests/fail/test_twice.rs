#[carom::test]
#[test]
fn nothing_happens() {}

fn main() {}
