use std::marker::PhantomData;

#[carom::shared]
struct Token {
    number: u32,
    of_one_thread: PhantomData<*const ()>,
}

fn main() {}
