//! Parameters need what the fields need of them, and no more.
#![deny(warnings)]
#![allow(dead_code)]

use std::fmt::Debug;
use std::marker::PhantomData;

use carom::{ShString, Shared};

trait Unit {
    type Number;
}

struct Metres;

impl Unit for Metres {
    type Number = f64;
}

#[carom::shared]
struct Pair<A, B = A>
where
    A: Debug,
{
    a: A,
    b: [B; 2],
}

#[carom::shared]
struct Length<U: Unit> {
    number: U::Number,
    zero: <U as Unit>::Number,
    unit: PhantomData<U>,
}

#[carom::shared]
#[repr(transparent)]
struct Id<T: ?Sized> {
    number: u32,
    of: PhantomData<T>,
}

#[carom::shared]
enum Either<T: Debug, const N: usize = 4, const SIGNED: bool = false> {
    Text(ShString<N>),
    Value(Pair<T>),
}

#[derive(Shared)]
#[repr(i8)]
enum Number<T> {
    None = -1,
    Some(T),
}

fn fits<T: carom::Shared>() {}

fn main() {
    fits::<Pair<u8>>();
    fits::<Pair<u8, Number<Pair<i16>>>>();
    fits::<Length<Metres>>();
    fits::<Id<String>>();
    fits::<Id<str>>();
    fits::<Either<u8>>();
    fits::<Either<char, 16, true>>();
}
