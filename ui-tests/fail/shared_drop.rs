#[carom::shared]
struct Guard {
    count: u32,
}

impl Drop for Guard {
    fn drop(&mut self) {}
}

fn main() {}
