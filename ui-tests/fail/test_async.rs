#[carom::test]
async fn nothing_happens() {}

fn main() {}
