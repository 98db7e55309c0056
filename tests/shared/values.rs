//! One value with a lock.
use std::num::{NonZero, Wrapping};

use carom::{Lock, Process, ShString, TooLong, TryLockError, Value};

use crate::common::watchdog;
use crate::stage::{Holder, Order};

#[carom::task]
fn set_numbers(integer: Value<i32>, float: Value<f64>, short: Value<i16>, long: Value<i64>, byte: Value<u8>) {
    integer.set(-7).expect("set");
    float.set(2.5).expect("set");
    short.set(i16::MIN).expect("set");
    long.set(i64::MAX).expect("set");
    byte.set(b'x').expect("set");
}

#[carom::test]
fn numbers_that_a_child_sets_are_seen() -> carom::Result<()> {
    let _watchdog = watchdog();
    let (integer, float, short) = (Value::new(0)?, Value::new(0.0)?, Value::new(0)?);
    let (long, byte) = (Value::new(0)?, Value::new(0)?);
    let all = (integer.clone(), float.clone(), short.clone(), long.clone(), byte.clone());
    Process::spawn(set_numbers, all)?.join()?.exit_ok()?;
    assert_eq!((integer.get()?, float.get()?, short.get()?), (-7, 2.5, i16::MIN));
    assert_eq!((long.get()?, byte.get()?), (i64::MAX, b'x'));
    Ok(())
}

#[carom::task]
fn change_others(
    wide: Value<u128>,
    flag: Value<bool>,
    letter: Value<char>,
    number: Value<NonZero<u32>>,
    row: Value<[f32; 3]>,
    flags: Value<[[bool; 2]; 2]>,
    wrapping: Value<Wrapping<u8>>,
) {
    *wide.lock().expect("lock") += 1;
    let mut flag = flag.lock().expect("lock");
    *flag = !*flag;
    assert_eq!(letter.get().expect("get"), 'ä');
    letter.set('\u{10FFFF}').expect("set");
    number.set(NonZero::new(9).expect("9")).expect("set");
    row.lock().expect("lock")[1] = 0.5;
    flags.lock().expect("lock")[1][0] = true;
    *wrapping.lock().expect("lock") += 2;
}

#[carom::test]
fn values_of_all_kinds_are_changed_in_place() -> carom::Result<()> {
    let _watchdog = watchdog();
    let wide = Value::new(u128::from(u64::MAX))?;
    let flag = Value::new(false)?;
    let letter = Value::new('ä')?;
    let number = Value::new(NonZero::<u32>::MIN)?;
    let row = Value::new([1.0, 2.0, 3.0])?;
    let flags = Value::new([[false; 2]; 2])?;
    let wrapping = Value::new(Wrapping(255))?;
    let first = (wide.clone(), flag.clone(), letter.clone(), number.clone());
    let all = (first.0, first.1, first.2, first.3, row.clone(), flags.clone(), wrapping.clone());
    Process::spawn(change_others, all)?.join()?.exit_ok()?;
    assert_eq!(wide.get()?, 1 << 64);
    assert!(flag.get()?);
    assert_eq!((letter.get()?, number.get()?.get()), ('\u{10FFFF}', 9));
    assert_eq!(row.get()?, [1.0, 0.5, 3.0]);
    assert_eq!(flags.get()?, [[false; 2], [true, false]]);
    assert_eq!(wrapping.get()?, Wrapping(1));
    Value::new(())?.set(())?;
    Ok(())
}

#[carom::task]
fn shout(text: Value<ShString<32>>) {
    let mut text = text.lock().expect("lock");
    assert_eq!(*text, "a\0ß€\u{10FFFF}\0");
    let loud = text.to_uppercase();
    text.set(&loud).expect("it fits");
    text.push_str("\0é").expect("it fits");
}

#[carom::test]
fn text_with_zeros_and_letters_of_many_bytes_goes_there_and_back() -> carom::Result<()> {
    let _watchdog = watchdog();
    let text = Value::new("a\0ß€\u{10FFFF}\0".parse::<ShString<32>>().expect("it fits"))?;
    Process::spawn(shout, text.clone())?.join()?.exit_ok()?;
    assert_eq!(*text.lock()?, "A\0SS€\u{10FFFF}\0\0é");
    Ok(())
}

#[test]
fn text_that_does_not_fit_changes_nothing() -> carom::Result<()> {
    let _watchdog = watchdog();
    let text = Value::new("Grüß".parse::<ShString<8>>().expect("it fits"))?;
    let mut guard = text.lock()?;
    assert_eq!(guard.len(), 6);
    let TooLong { len, capacity, .. } = guard.push_str("€").expect_err("9 bytes");
    assert_eq!((len, capacity), (9, 8));
    guard.set("123456789").expect_err("9 bytes");
    assert_eq!(*guard, "Grüß");
    guard.push_str("e!").expect("8 bytes");
    assert_eq!(*guard, "Grüße!");
    guard.clear();
    assert!(guard.is_empty());
    assert!("".parse::<ShString<0>>().is_ok());
    Ok(())
}

#[test]
fn two_values_do_not_share_memory() -> carom::Result<()> {
    let _watchdog = watchdog();
    // as in Python's issue 229: where values were given back before
    for _ in 0..100 {
        let first = Value::new(0_u8)?;
        let second = Value::new(0_u8)?;
        first.set(5)?;
        assert_eq!((first.get()?, second.get()?), (5, 0));
    }
    let values: Vec<_> = (0..1000_u64).map(Value::new).collect::<Result<_, _>>()?;
    for value in values.iter().step_by(2) {
        value.set(u64::MAX)?;
    }
    for (i, value) in values.iter().enumerate() {
        assert_eq!(value.get()?, if i % 2 == 0 { u64::MAX } else { i as u64 });
    }
    Ok(())
}

#[test]
fn a_copy_is_independent_and_a_clone_is_not() -> carom::Result<()> {
    let _watchdog = watchdog();
    let value = Value::new([1, 2])?;
    let (copy, clone) = (Value::new(value.get()?)?, value.clone());
    value.set([3, 4])?;
    assert_eq!((copy.get()?, clone.get()?), ([1, 2], [3, 4]));
    drop(value);
    assert_eq!(clone.get()?, [3, 4]);
    assert_ne!(copy.as_lock(), clone.as_lock());
    Ok(())
}

#[test]
fn a_value_is_aligned_as_its_type_asks() -> carom::Result<()> {
    fn is_aligned<T: carom::Shared + Copy>(value: T) -> carom::Result<()> {
        let values: Vec<_> = (0..10).map(|_| Value::new(value)).collect::<Result<_, _>>()?;
        for value in &values {
            let guard = value.lock()?;
            assert!((&raw const *guard).is_aligned(), "{}", std::any::type_name::<T>());
        }
        Ok(())
    }
    let _watchdog = watchdog();
    is_aligned(1_u8)?;
    is_aligned(1_u128)?;
    is_aligned([1_u8; 77])?;
    is_aligned([0.5_f64; 9])?;
    is_aligned([1_i128; 1000])?;
    is_aligned([1_u64; 10_000])
}

#[test]
fn each_value_has_a_lock_of_its_own_or_the_one_that_it_is_given() -> carom::Result<()> {
    let _watchdog = watchdog();
    let lock = Lock::new()?;
    let (one, two) = (Value::with_lock(1, &lock)?, Value::with_lock('2', &lock)?);
    let other = Value::new(3)?;
    assert!(one.as_lock() == &lock && two.as_lock() == &lock && other.as_lock() != &lock);
    let guard = lock.lock()?;
    assert!(matches!(one.try_lock(), Err(TryLockError::WouldBlock)));
    assert!(matches!(two.try_lock(), Err(TryLockError::WouldBlock)));
    assert_eq!(other.get()?, 3);
    drop(guard);
    let guard = one.lock()?;
    assert!(lock.try_lock().is_err() && two.try_lock().is_err());
    drop(guard);
    // which may be that of another value, and outlives it
    let third = Value::with_lock(4, other.as_lock())?;
    drop(other);
    assert_eq!(third.get()?, 4);
    Ok(())
}

#[carom::task]
fn transfer(from: Value<i64>, to: Value<i64>, times: u64) {
    assert_eq!(from.as_lock(), to.as_lock(), "it came along");
    for _ in 0..times {
        let mut guard = from.as_lock().lock().expect("nobody dies");
        *from.borrow_mut(&mut guard) -= 1;
        assert_eq!(*from.borrow(&guard) + *to.borrow(&guard), -1);
        *to.borrow_mut(&mut guard) += 1;
    }
}

#[carom::test]
fn two_values_under_one_lock_change_together() -> carom::Result<()> {
    let _watchdog = watchdog();
    let lock = Lock::new()?;
    let (one, two) = (Value::with_lock(0, &lock)?, Value::with_lock(0, &lock)?);
    let there = Process::spawn(transfer, (one.clone(), two.clone(), 3000))?;
    let back = Process::spawn(transfer, (two.clone(), one.clone(), 1000))?;
    there.join()?.exit_ok()?;
    back.join()?.exit_ok()?;
    assert_eq!((one.get()?, two.get()?), (-2000, 2000));
    Ok(())
}

#[test]
#[should_panic(expected = "the guard is of another lock than that of this value")]
fn a_value_is_not_to_be_had_by_the_guard_of_another_lock() {
    let _watchdog = watchdog();
    let (one, two) = (Value::new(1).expect("memory"), Value::new(2).expect("memory"));
    let guard = one.as_lock().lock().expect("free");
    assert_eq!(*one.borrow(&guard), 1);
    two.borrow(&guard);
}

#[carom::test]
fn to_print_a_value_does_not_wait_for_its_lock() -> carom::Result<()> {
    let _watchdog = watchdog();
    let value = Value::new(5)?;
    assert_eq!(format!("{value:?}"), "Value { data: 5 }");
    let holder = Holder::of(value.as_lock());
    assert_eq!(format!("{value:?}"), "Value { data: <locked> }");
    holder.order(Order::Release);
    assert_eq!(format!("{:?}", value.lock()?), "5");
    holder.join();
    Ok(())
}

#[carom::test]
fn a_value_larger_than_a_stack_begins_as_zeros() -> carom::Result<()> {
    let _watchdog = watchdog();
    let value = Value::<[[u64; 1024]; 2048]>::zeroed()?;
    assert!(value.lock()?.iter().flatten().all(|number| *number == 0));
    value.lock()?[2047][1023] = 5;
    assert_eq!(value.lock()?[2047][1023], 5);
    Ok(())
}

#[test]
fn what_a_guard_shows_is_the_value() -> carom::Result<()> {
    let value = Value::new(2.5)?;
    let guard = value.lock()?;
    assert_eq!(format!("{guard} {guard:?} {guard:>5}"), "2.5 2.5   2.5");
    Ok(())
}
