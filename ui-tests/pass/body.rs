//! The body is the user's own: inner items, early returns, `?`, attributes, macros.
#![deny(warnings)]
use carom::Process;

#[carom::task]
fn early(limit: u32) -> Result<u32, String> {
    #![allow(unused_variables)]
    use std::str::FromStr as _;
    const STEP: u32 = 2;
    fn half(x: u32) -> u32 {
        x / STEP
    }
    let unused = 1;
    if limit == 0 {
        return Err("zero".to_owned());
    }
    let parsed = u32::from_str("4").map_err(|error| error.to_string())?;
    Ok(half(parsed * limit))
}

#[carom::task]
fn captures(numbers: Vec<u32>, by: u32) -> Vec<u32> {
    #[derive(Debug)]
    struct Local(u32);
    numbers.into_iter().map(|n| Local(n * by)).map(|Local(n)| n).collect()
}

#[carom::task]
fn diverges() {
    std::process::exit(3)
}

#[carom::main]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    #![allow(unused_variables)]
    let unused = 1;
    assert_eq!((early(3), early(0)), (Ok(6), Err("zero".to_owned())));
    assert_eq!(captures(vec![1, 2], 3), [3, 6]);
    assert!(Process::spawn(early, 3)?.join()?.success());
    assert_eq!(Process::spawn(diverges, ())?.join()?.code(), Some(3));
    Ok(())
}
