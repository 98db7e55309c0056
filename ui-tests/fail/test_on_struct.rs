#[carom::test]
struct Nothing;

fn main() {}
