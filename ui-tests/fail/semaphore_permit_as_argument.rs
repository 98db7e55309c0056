use carom::Permit;

#[carom::task]
fn fetch(permit: Permit<'static>, page: u32) -> usize {
    drop(permit);
    page.to_string().len()
}

fn main() {}
