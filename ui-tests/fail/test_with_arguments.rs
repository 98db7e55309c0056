#[carom::test]
fn nothing_happens(times: u32) {
    println!("{times}");
}

fn main() {}
