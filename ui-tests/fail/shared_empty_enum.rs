#[carom::shared]
enum Never {}

fn main() {}
