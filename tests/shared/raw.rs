//! Values without a lock.
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU8, AtomicU64, Ordering::Relaxed};

use carom::{OutOfBounds, Pool, Process, RawArray, RawValue};

use crate::common::{eventually, watchdog};

#[carom::task]
fn store_all(integer: RawValue<i32>, float: RawValue<f64>, wide: RawValue<u128>, point: RawValue<[f32; 3]>) {
    integer.store(integer.load() * 2);
    float.store(float.load() * 2.0);
    wide.store(wide.load() * 2);
    point.store(point.load().map(|x| x * 2.0));
}

#[carom::test]
fn what_a_child_stores_is_loaded() -> carom::Result<()> {
    let _watchdog = watchdog();
    let (integer, float) = (RawValue::new(-21)?, RawValue::new(0.25)?);
    let (wide, point) = (RawValue::new(1 << 100)?, RawValue::new([1.0, 2.0, 3.0])?);
    let all = (integer.clone(), float.clone(), wide.clone(), point.clone());
    Process::spawn(store_all, all)?.join()?.exit_ok()?;
    assert_eq!((integer.load(), float.load(), wide.load()), (-42, 0.5, 1 << 101));
    assert_eq!(point.load(), [2.0, 4.0, 6.0]);
    Ok(())
}

#[carom::task]
fn count_up(total: RawValue<AtomicU64>, each: RawArray<AtomicI32>, first: RawValue<AtomicBool>, times: u64) -> bool {
    for i in 0..times {
        total.fetch_add(i, Relaxed);
        each[i as usize % each.len()].fetch_sub(1, Relaxed);
    }
    !first.swap(true, Relaxed)
}

#[carom::test]
fn atomics_add_up_exactly() -> carom::Result<()> {
    let _watchdog = watchdog();
    let total = RawValue::new(AtomicU64::new(0))?;
    let each = RawArray::from_fn(3, |_| AtomicI32::new(0))?;
    let first = RawValue::new(AtomicBool::new(false))?;
    let pool = Pool::builder().processes(3).build()?;
    let calls: Vec<_> =
        (0..6).map(|_| pool.apply_async(count_up, (total.clone(), each.clone(), first.clone(), 30_000))).collect();
    let firsts = calls.into_iter().map(|call| call.get().expect("it counts")).filter(|first| *first).count();
    assert_eq!(firsts, 1);
    assert_eq!(total.load(Relaxed), 6 * (0..30_000).sum::<u64>());
    assert!(each.iter().all(|n| n.load(Relaxed) == -60_000));
    Ok(())
}

#[carom::task]
fn alternate(number: RawValue<u64>, array: RawArray<u16>, stop: RawValue<AtomicBool>) {
    while !stop.load(Relaxed) {
        for all in [0, u64::MAX] {
            number.store(all);
            array.set(1, all as u16).expect("it is there");
        }
    }
}

#[carom::test]
fn a_number_is_never_torn() -> carom::Result<()> {
    let _watchdog = watchdog();
    let (number, array) = (RawValue::new(1)?, RawArray::new(&[7, 0, 7])?);
    let stop = RawValue::new(AtomicBool::new(false))?;
    let process = Process::spawn(alternate, (number.clone(), array.clone(), stop.clone()))?;
    eventually("it writes", || number.load() != 1);
    let (mut ones, mut zeros) = (0_u64, 0_u64);
    eventually("both are seen often", || {
        for _ in 0..100_000 {
            match number.load() {
                0 => zeros += 1,
                u64::MAX => ones += 1,
                torn => panic!("{torn:#x}"),
            }
            assert!(matches!(array.get(1), Some(0 | u16::MAX)));
        }
        ones > 1000 && zeros > 1000
    });
    stop.store(true, Relaxed);
    process.join()?.exit_ok()?;
    assert_eq!((array.get(0), array.get(2)), (Some(7), Some(7)));
    Ok(())
}

#[carom::task]
fn running_sum(numbers: RawArray<i64>) {
    for i in 1..numbers.len() {
        let sum = numbers.get(i).expect("it is there") + numbers.get(i - 1).expect("it is there");
        numbers.set(i, sum).expect("it is there");
    }
}

#[carom::test]
fn a_child_sums_up_without_a_lock() -> carom::Result<()> {
    let _watchdog = watchdog();
    let numbers = RawArray::from_fn(100, |i| i as i64)?;
    Process::spawn(running_sum, numbers.clone())?.join()?.exit_ok()?;
    assert!(numbers.iter().enumerate().all(|(i, sum)| sum == (i * (i + 1) / 2) as i64));
    assert_eq!(numbers.iter().next_back(), Some(4950));
    assert_eq!(numbers.iter().len(), 100);
    Ok(())
}

#[test]
fn what_lies_outside_is_an_error_and_changes_nothing() -> carom::Result<()> {
    let _watchdog = watchdog();
    let array = RawArray::new(&[1_u32, 2, 3])?;
    assert_eq!((array.len(), array.is_empty()), (3, false));
    for (start, count) in [(3, 1), (2, 2), (0, 4), (4, 0), (usize::MAX, 1), (usize::MAX, 0)] {
        let error = array.write(start, &vec![9; count]).expect_err("outside");
        let mut space = vec![7; count];
        assert_eq!(array.read(start, &mut space).expect_err("outside"), error);
        assert_eq!(space, vec![7; count]);
        let OutOfBounds { start: told, len, .. } = error;
        assert_eq!((told, len), (start, 3));
    }
    assert_eq!(array.get(3), None);
    assert_eq!(array.get(usize::MAX), None);
    let error = array.set(3, 9).expect_err("outside");
    assert_eq!(error.to_string(), "3 to 4 is not within the 3 that there are");
    array.write(3, &[]).expect("nothing");
    array.read(0, &mut []).expect("nothing");
    assert_eq!(array.to_vec(), [1, 2, 3]);
    Ok(())
}

#[test]
fn parts_are_copied_as_they_are_and_nothing_beside_them() -> carom::Result<()> {
    let _watchdog = watchdog();
    let array = RawArray::<u8>::zeroed(300)?;
    let pattern: Vec<u8> = (0..200).map(|i| i as u8 + 1).collect();
    for len in 0..200 {
        let start = len % 17;
        array.write(0, &[0xEE; 300]).expect("as many");
        array.write(start, &pattern[..len]).expect("inside");
        let mut expected = [0xEE; 300];
        expected[start..start + len].copy_from_slice(&pattern[..len]);
        assert_eq!(array.to_vec(), expected);
        let mut part = vec![0; len + 2];
        array.read(start, &mut part[1..=len]).expect("inside");
        assert_eq!((part[0], &part[1..=len], part[len + 1]), (0, &pattern[..len], 0));
    }
    Ok(())
}

#[test]
fn whatever_the_type_it_lies_where_it_must() -> carom::Result<()> {
    let _watchdog = watchdog();
    for _ in 0..3 {
        let bytes = RawArray::from_fn(13, |i| AtomicU8::new(i as u8))?;
        assert!(bytes.iter().enumerate().all(|(i, byte)| usize::from(byte.load(Relaxed)) == i));
        let atomics = RawArray::from_fn(7, |_| AtomicU64::new(0))?;
        assert!((&raw const atomics[3]).is_aligned());
        assert!((&raw const atomics[0]).addr() % 64 == 0, "no other object is in this cache line");
        let wide = RawArray::new(&[u128::MAX; 5])?;
        wide.set(2, 1).expect("it is there");
        assert_eq!(wide.to_vec(), [u128::MAX, u128::MAX, 1, u128::MAX, u128::MAX]);
        let rows = RawArray::<[i16; 3]>::zeroed(4)?;
        rows.write(1, &[[1, 2, 3], [4, 5, 6]]).expect("inside");
        assert_eq!(rows.to_vec(), [[0; 3], [1, 2, 3], [4, 5, 6], [0; 3]]);
        assert_eq!(rows.get(2), Some([4, 5, 6]));
    }
    Ok(())
}

#[test]
fn another_handle_is_of_the_same_value() -> carom::Result<()> {
    let _watchdog = watchdog();
    let (value, array) = (RawValue::new(1)?, RawArray::new(&[1, 2])?);
    let (value2, array2) = (value.clone(), array.clone());
    value2.store(5);
    array2.set(1, 6).expect("it is there");
    assert_eq!((value.load(), array.get(1)), (5, Some(6)));
    let copy = RawArray::new(&array.to_vec())?;
    array.set(0, 9).expect("it is there");
    assert_eq!(copy.to_vec(), [1, 6]);
    assert_eq!(format!("{value:?} {array:?}"), "RawValue { .. } RawArray { len: 2, .. }");
    Ok(())
}
