//! A task derefs to its function: `square(3)` is a call, `*square` an `Fn` and a function pointer.
#![deny(warnings)]

#[carom::task]
fn square(x: u64) -> u64 {
    x * x
}

#[carom::task]
fn factorial(n: u64) -> u64 {
    if n == 0 { 1 } else { n * factorial(n - 1) }
}

#[carom::task]
fn is_even(n: u64) -> bool {
    n == 0 || is_odd(n - 1)
}

#[carom::task]
fn is_odd(n: u64) -> bool {
    n != 0 && is_even(n - 1)
}

fn twice(function: impl Fn(u64) -> u64, x: u64) -> u64 {
    function(function(x))
}

/// A task of any name.
fn copied<T: carom::Task + std::fmt::Debug>(task: T) -> [T; 2] {
    [task; 2]
}

const POINTER: fn(u64) -> u64 = |x| square(x);
static TASK: square = square;
const CONST: square = square;

const fn of_const() -> square {
    square
}

#[carom::main]
fn main() {
    assert_eq!(square(3), 9);
    assert_eq!(twice(*square, 3), 81);
    assert_eq!(twice(|x| square(x), 3), 81);
    assert_eq!((0..4).map(*square).collect::<Vec<_>>(), [0, 1, 4, 9]);
    let pointer: fn(u64) -> u64 = *square;
    let table: [fn(u64) -> u64; 2] = [*square, *factorial];
    assert_eq!((pointer(3), table[1](3), POINTER(3), TASK(3), CONST(3), of_const()(3)), (9, 6, 9, 9, 9, 9));
    assert_eq!(factorial(5), 120);
    assert!(is_even(10) && is_odd(11));
    let [first, second] = copied(square);
    assert_eq!(first(2) + second(3), 13);
    std::thread::spawn(move || assert_eq!(first(3), 9)).join().expect("join");
}
