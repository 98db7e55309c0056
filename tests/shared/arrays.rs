//! Many values with a lock.
use std::panic::{AssertUnwindSafe, catch_unwind};

use carom::{Array, Lock, MemoryError, Process, RawArray, TryLockError, Value};

use crate::common::{alone, watchdog};
use crate::stage::memory;

#[carom::task]
fn sum_up(numbers: Array<i32>) {
    let mut numbers = numbers.lock().expect("lock");
    for i in 1..numbers.len() {
        numbers[i] += numbers[i - 1];
    }
}

#[carom::test]
fn a_child_sums_up_in_place() -> carom::Result<()> {
    let _watchdog = watchdog();
    let start = [680, 626, 934, 821, 150, 233, 548, 982, 714, 831];
    let numbers = Array::new(&start)?;
    assert_eq!((numbers.len(), numbers.is_empty()), (10, false));
    Process::spawn(sum_up, numbers.clone())?.join()?.exit_ok()?;
    let mut sum = 0;
    let sums: Vec<i32> = start
        .iter()
        .map(|n| {
            sum += n;
            sum
        })
        .collect();
    assert_eq!(numbers.to_vec()?, sums);
    Ok(())
}

#[test]
fn a_locked_array_is_a_slice() -> carom::Result<()> {
    let _watchdog = watchdog();
    let array = Array::new(&[1_u16, 2, 3, 4, 5, 6])?;
    let mut slice = array.lock()?;
    slice[2..4].copy_from_slice(&[30, 40]);
    slice[5] = 60;
    assert_eq!(slice[1..], [2, 30, 40, 5, 60]);
    assert_eq!(slice.iter().map(|n| u32::from(*n)).sum::<u32>(), 138);
    assert_eq!(slice.get(6), None);
    slice.reverse();
    slice.iter_mut().for_each(|n| *n += 1);
    assert_eq!(*slice, [61, 6, 41, 31, 3, 2]);
    assert_eq!(format!("{slice:?}"), "[61, 6, 41, 31, 3, 2]");
    drop(slice);
    assert_eq!(format!("{array:?}"), "Array { data: [61, 6, 41, 31, 3, 2] }");
    Ok(())
}

#[test]
fn an_index_that_does_not_exist_panics_and_the_next_one_is_told() -> carom::Result<()> {
    let _watchdog = watchdog();
    let array = Array::new(&['a', 'b'])?;
    let index = std::hint::black_box(2);
    catch_unwind(AssertUnwindSafe(|| array.lock().expect("free")[index])).expect_err("there is no third one");
    let died = array.lock().expect_err("it is told");
    assert!(died.panicked());
    assert_eq!(died.pid(), Some(std::process::id()));
    assert_eq!(*died.check().expect("valid"), ['a', 'b']);
    assert_eq!(array.to_vec()?, ['a', 'b']);
    Ok(())
}

#[test]
fn there_are_many_ways_to_begin() -> carom::Result<()> {
    let _watchdog = watchdog();
    assert_eq!(Array::<f64>::zeroed(3)?.to_vec()?, [0.0; 3]);
    assert_eq!(Array::filled('x', 4)?.to_vec()?, ['x'; 4]);
    assert_eq!(Array::from_fn(5, |i| i * i)?.to_vec()?, [0, 1, 4, 9, 16]);
    assert_eq!(Array::new(&[[true, false]; 2])?.to_vec()?, [[true, false]; 2]);
    let lock = Lock::new()?;
    let (array, value) = (Array::with_lock(&[1, 2], &lock)?, Value::with_lock(3, &lock)?);
    let mut guard = lock.lock()?;
    assert!(matches!(array.try_lock(), Err(TryLockError::WouldBlock)));
    array.borrow_mut(&mut guard)[0] = *value.borrow(&guard);
    assert_eq!(array.borrow(&guard), [3, 2]);
    drop(guard);
    // a copy, which the array does not know of
    let copy = Array::new(&array.lock()?)?;
    array.lock()?[0] = 9;
    assert_eq!((copy.to_vec()?, array.to_vec()?), (vec![3, 2], vec![9, 2]));
    Ok(())
}

#[test]
fn an_array_that_cannot_be_filled_leaves_nothing_behind() -> carom::Result<()> {
    let _watchdog = watchdog();
    for _ in 0..100 {
        catch_unwind(|| Array::from_fn(1000, |i| if i < 999 { 7_u64 } else { panic!("on purpose") }))
            .expect_err("it panics");
    }
    assert!(Array::<u64>::zeroed(1000)?.to_vec()?.iter().all(|n| *n == 0));
    Ok(())
}

/// Lengths of small objects, of those that are whole pages, and of those that have a segment of their own.
const LENGTHS: [usize; 8] = [1, 64, 65, 60_000, 65_536, 100_000, 1 << 20, 17 << 20];

#[test]
fn arrays_begin_as_zeros_where_others_were() -> carom::Result<()> {
    let _watchdog = watchdog();
    for _ in 0..3 {
        for len in LENGTHS {
            let raw = RawArray::<u8>::zeroed(len)?;
            assert!(raw.iter().all(|byte| byte == 0), "{len} without a lock");
            raw.write(0, &vec![0xFF; len]).expect("as many");
            drop(raw);
            let array = Array::<u8>::zeroed(len)?;
            assert!(array.lock()?.iter().all(|byte| *byte == 0), "{len} with a lock");
            array.lock()?.fill(0xFF);
        }
    }
    // and in other pieces than those
    let full: Vec<_> = (0..50).map(|i| Array::filled(0xFF_u8, 1000 * i)).collect::<Result<_, _>>()?;
    drop(full);
    for i in (0..50).rev() {
        assert!(Array::<u8>::zeroed(1500 * i)?.lock()?.iter().all(|byte| *byte == 0));
    }
    Ok(())
}

#[carom::task]
fn nothing_in_it(array: Array<u64>, raw: RawArray<u32>, units: Array<()>) -> usize {
    assert!(array.lock().expect("lock").is_empty());
    assert_eq!(raw.to_vec(), []);
    units.lock().expect("lock").len()
}

#[carom::test]
fn arrays_of_nothing_are_arrays() -> carom::Result<()> {
    let _watchdog = watchdog();
    let array = Array::<u64>::zeroed(0)?;
    assert!(array.is_empty() && Array::<char>::new(&[])?.to_vec()?.is_empty());
    let pool = carom::Pool::builder().processes(1).build()?;
    let units = Array::new(&[(); 5])?;
    assert_eq!(pool.apply(nothing_in_it, (array.clone(), RawArray::new(&[])?, units))?, 5);
    assert_eq!(array.to_vec()?, []);
    Ok(())
}

const MEGA: usize = 1 << 20;

#[carom::task]
fn touch(array: Array<u8>, at: usize) {
    array.lock().expect("lock")[at] = 1;
}

#[carom::task]
fn large() {
    for _ in 0..10 {
        let array = Array::<u8>::zeroed(100 * MEGA).expect("memory");
        let raw = RawArray::<u64>::zeroed(100 * MEGA / 8).expect("memory");
        raw.set(7 * MEGA, 5).expect("it is there");
        array.lock().expect("lock")[50 * MEGA] = 1;
        alone(touch, (array.clone(), 99 * MEGA));
        assert_eq!(array.lock().expect("lock")[99 * MEGA], 1);
        assert!(memory() < MEGA as u64, "{}", memory());
        array.lock().expect("lock")[..20 * MEGA].fill(1);
        assert!(memory() > 20 * MEGA as u64);
        drop(array);
        assert!(memory() < MEGA as u64, "{}", memory());
        assert_eq!(raw.get(7 * MEGA), Some(5));
    }
    // those that share a segment with others
    let kept = Value::new(7).expect("memory");
    for _ in 0..10 {
        let arrays: Vec<_> = (0..5).map(|_| Array::<u8>::zeroed(4 * MEGA).expect("memory")).collect();
        arrays.iter().for_each(|array| array.lock().expect("free").fill(1));
        assert!(memory() > 20 * MEGA as u64);
        drop(arrays);
        assert!(memory() < MEGA as u64, "{}", memory());
    }
    // and small ones, in what order they may go
    for step in [1, 2, 7] {
        let mut values: Vec<_> = (0..10_000).map(|i| Some(Value::new([i; 64]).expect("memory"))).collect();
        assert!(memory() > 3 * MEGA as u64);
        (0..step).for_each(|first| values.iter_mut().skip(first).step_by(step).for_each(|value| *value = None));
        assert!(memory() < MEGA as u64, "{} after steps of {step}", memory());
    }
    assert_eq!(kept.get().expect("get"), 7);
}

#[carom::test]
fn arrays_take_memory_where_they_are_written_and_give_it_back() {
    let _watchdog = watchdog();
    alone(large, ());
}

#[test]
fn more_than_there_can_be_is_an_error() {
    let _watchdog = watchdog();
    let max = isize::MAX as usize;
    for len in [1 << 48, 1 << 56, 1 << 62, (1 << 62) + 1, max - 8192, max - 4096, max - 64, max, max + 1, usize::MAX] {
        let errors = [Array::<u8>::zeroed(len).err(), RawArray::<u8>::zeroed(len).err()];
        for error in errors {
            let error = error.unwrap_or_else(|| panic!("{len} bytes"));
            assert!(matches!(error, MemoryError::TooLarge { .. } | MemoryError::NoSpace { .. }), "{len}: {error:?}");
            assert!(error.to_string().contains("bytes"), "{error}");
        }
    }
    assert!(matches!(RawArray::<u64>::zeroed(usize::MAX), Err(MemoryError::TooLarge { size: usize::MAX })));
    // and the next one is made
    assert_eq!(Array::<u8>::zeroed(3).expect("memory").len(), 3);
}

#[carom::test]
fn zeros_can_be_under_the_lock_of_others() -> carom::Result<()> {
    let _watchdog = watchdog();
    let lock = Lock::new()?;
    let (one, two) = (Array::<i32>::zeroed_with_lock(3, &lock)?, Array::<i32>::zeroed_with_lock(2, &lock)?);
    let mut guard = lock.lock()?;
    assert!(one.try_lock().is_err());
    one.borrow_mut(&mut guard)[2] = 7;
    assert_eq!((one.borrow(&guard), two.borrow(&guard)), (&[0, 0, 7][..], &[0, 0][..]));
    Ok(())
}
