unsafe extern "C" {
    #[carom::task]
    safe fn abs(x: i32) -> i32;
}

fn main() {}
