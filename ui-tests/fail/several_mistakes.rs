#[carom::task(timeout = "soon", retires = 3)]
async fn load<T>(path: &str, (width, height): (u32, u32), _: u8) -> impl Sized {
    (path.len(), width, height)
}

fn main() {}
