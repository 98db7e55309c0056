mod shapes {
    #[carom::task]
    fn square(x: u64) -> u64 {
        x * x
    }
}

fn main() {
    shapes::square(3);
}
