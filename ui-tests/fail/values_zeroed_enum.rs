#[carom::shared]
#[derive(Clone, Copy)]
enum State {
    Idle = 1,
    Busy,
}

fn main() {
    let _ = carom::Array::<State>::zeroed(10);
}
