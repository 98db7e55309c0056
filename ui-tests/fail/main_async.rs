#[carom::main]
async fn main() {}
