#[carom::task]
fn greet(name: Option<&str>) {
    println!("hello {}", name.unwrap_or("world"));
}

fn main() {}
