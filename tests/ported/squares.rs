//! Program 8: a pool of four squares five numbers.

use carom::Pool;

use crate::common::watchdog;

#[carom::task]
fn square(x: i32) -> i32 {
    x * x
}

#[carom::test]
fn a_pool_of_four_squares_five_numbers() {
    let _watchdog = watchdog();
    let pool = Pool::builder().processes(4).build().expect("a pool");
    assert_eq!(pool.map(square, [1, 2, 3, 4, 5]).expect("map"), [1, 4, 9, 16, 25]);
}
