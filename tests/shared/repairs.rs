//! Contents that may be no value of their type any more, and how they become one again.
use std::fmt::Debug;

use carom::{Array, Connection, Pool, Process, ShString, Shared, Value, pipe};

use crate::common::watchdog;

/// Makes the bytes of a value others, as a process does that ends between two stores.
#[track_caller]
fn overwrite<T: ?Sized>(value: &mut T, byte: u8) {
    let start = (&raw mut *value).cast::<u8>();
    // SAFETY: the bytes are the value's; that they are none of its type any more is what is to be found out.
    unsafe { start.write_bytes(byte, size_of_val(value)) };
}

#[carom::task]
fn spoil(letter: Value<char>, flags: Array<bool>, text: Value<ShString<4>>) {
    let (mut letter, mut flags) = (letter.lock().expect("whole"), flags.lock().expect("whole"));
    let mut text = text.lock().expect("whole");
    overwrite(&mut *letter, 0xFF);
    overwrite(&mut flags[1], 2);
    overwrite(&mut *text, 0xFF);
    std::process::abort();
}

struct Spoilt {
    letter: Value<char>,
    flags: Array<bool>,
    text: Value<ShString<4>>,
    pid: u32,
}

fn spoilt() -> carom::Result<Spoilt> {
    let (letter, flags) = (Value::new('a')?, Array::new(&[true, false, true])?);
    let text = Value::new("abc".parse::<ShString<4>>().expect("it fits"))?;
    let process = Process::spawn(spoil, (letter.clone(), flags.clone(), text.clone()))?;
    let _ = process.join()?;
    Ok(Spoilt { letter, flags, text, pid: process.pid() })
}

#[carom::test]
fn what_became_invalid_is_given_out_only_when_it_was_replaced() -> carom::Result<()> {
    let _watchdog = watchdog();
    let Spoilt { letter, flags, text, pid } = spoilt()?;
    let died = letter.lock().expect_err("told").check().expect_err("no letter");
    assert_eq!((died.pid(), died.panicked()), (Some(pid), false));
    drop(died);
    // whoever drops the error has repaired nothing
    drop(letter.set('b').expect_err("told"));
    let guard = letter.lock().expect_err("told").replace('c');
    assert_eq!(*guard, 'c');
    drop(guard);
    assert_eq!(letter.get()?, 'c');
    let died = flags.lock().expect_err("told").check().expect_err("2 is no flag");
    assert_eq!(*died.replace(|i| i == 1), [false, true, false]);
    assert_eq!(flags.to_vec()?, [false, true, false]);
    let died = text.lock().expect_err("told").check().expect_err("not so long");
    assert_eq!(*died.replace("ß".parse().expect("it fits")), "ß");
    assert_eq!(*text.lock()?, "ß");
    Ok(())
}

#[carom::task]
fn die_with(letter: Value<char>) {
    *letter.lock().expect("whole") = 'z';
    std::mem::forget(letter.lock());
    std::process::abort();
}

#[carom::test]
fn what_is_valid_still_is_accepted_as_it_is() -> carom::Result<()> {
    let _watchdog = watchdog();
    let letter = Value::new('a')?;
    for _ in 0..2 {
        let _ = Process::spawn(die_with, letter.clone())?.join()?;
        let mut guard = letter.lock().expect_err("told").check().expect("a letter");
        assert_eq!(*guard, 'z');
        *guard = 'a';
        drop(guard);
        assert_eq!(letter.get()?, 'a');
    }
    Ok(())
}

#[track_caller]
fn is_invalid<T: Shared + Debug>(value: &Value<T>) {
    let died = value.lock().expect_err("it is told");
    assert_eq!((died.pid(), died.panicked()), (None, false));
    assert_eq!(died.to_string(), "what the lock protects is no value of its type");
    drop(died.check().map(drop).expect_err("still"));
}

#[carom::task]
fn look(letter: Value<char>) -> Option<char> {
    let letter = letter.get().map_err(|died| assert_eq!(died.pid(), None));
    letter.ok()
}

#[carom::test]
fn a_lock_that_is_said_to_be_in_order_makes_no_value_of_bytes_that_are_none() -> carom::Result<()> {
    let _watchdog = watchdog();
    let Spoilt { letter, text, .. } = spoilt()?;
    let another = letter.clone();
    drop(letter.as_lock().lock().expect_err("told").into_guard());
    drop(text.as_lock().lock().expect_err("told").into_guard());
    let pool = Pool::builder().processes(1).build()?;
    for _ in 0..2 {
        is_invalid(&letter);
        is_invalid(&another);
        is_invalid(&text);
        assert_eq!(pool.apply(look, letter.clone())?, None);
    }
    drop(another.lock().expect_err("told").replace('x'));
    assert_eq!((letter.get()?, another.get()?), ('x', 'x'));
    assert_eq!(pool.apply(look, letter.clone())?, Some('x'));
    Ok(())
}

#[carom::task]
fn spoil_one(one: Value<char>, two: Value<char>) {
    let mut guard = one.lock().expect("whole");
    assert_eq!(one.as_lock(), two.as_lock());
    overwrite(&mut *guard, 0xFF);
    std::process::abort();
}

#[carom::test]
fn each_value_under_a_lock_is_looked_at_for_itself() -> carom::Result<()> {
    let _watchdog = watchdog();
    let one = Value::new('1')?;
    let two = Value::with_lock('2', one.as_lock())?;
    let _ = Process::spawn(spoil_one, (one.clone(), two.clone()))?.join()?;
    // said for both, and found for one
    assert_eq!(*two.lock().expect_err("told").check().expect("a letter"), '2');
    is_invalid(&one);
    assert_eq!(two.get()?, '2');
    is_invalid(&one);
    drop(one.lock().expect_err("told").replace('3'));
    assert_eq!((one.get()?, two.get()?), ('3', '2'));
    Ok(())
}

#[carom::task]
fn spoil_while_others_look(letter: Value<char>, turns: Connection<(), ()>) {
    let mut guard = letter.lock().expect("whole");
    turns.send(&()).expect("send");
    turns.recv().expect("recv");
    overwrite(&mut *guard, 0xFF);
    std::process::abort();
}

#[carom::test]
fn a_handle_that_comes_before_its_holder_died_is_looked_at_after() -> carom::Result<()> {
    let _watchdog = watchdog();
    let letter = Value::new('a')?;
    let (turns, theirs) = pipe()?;
    let process = Process::spawn(spoil_while_others_look, (letter.clone(), theirs))?;
    turns.recv()?;
    // one that has never looked, and one that shares the lock and is made while it is held
    let (to, from) = pipe::<Value<char>, Value<char>>()?;
    to.send(&letter)?;
    let received = from.recv()?;
    let made = Value::with_lock('m', letter.as_lock())?;
    turns.send(&())?;
    let _ = process.join()?;
    drop(letter.as_lock().lock().expect_err("told").into_guard());
    is_invalid(&received);
    is_invalid(&letter);
    assert_eq!(made.get()?, 'm');
    Ok(())
}
