#[carom::main]
fn main<T>() {}
