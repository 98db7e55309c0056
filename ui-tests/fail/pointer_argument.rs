#[carom::task]
fn is_null(address: *const u8) -> bool {
    address.is_null()
}

fn main() {}
