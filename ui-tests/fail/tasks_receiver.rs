carom::tasks! {
    String::len as length(&self) -> usize;
}

fn main() {}
