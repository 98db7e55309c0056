#[derive(carom::Shared)]
struct Ship<'a> {
    position: (f64, f64),
    home: *const u8,
    name: &'a str,
}

fn main() {}
