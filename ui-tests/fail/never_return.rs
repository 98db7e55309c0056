#[carom::task]
fn serve() -> ! {
    loop {}
}

fn main() {}
