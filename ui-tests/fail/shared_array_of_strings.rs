#[carom::shared]
struct Names {
    all: [String; 4],
}

fn main() {}
