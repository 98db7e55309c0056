#[carom::main]
struct Program;

fn main() {}
