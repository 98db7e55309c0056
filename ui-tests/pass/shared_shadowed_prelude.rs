//! An expansion means the items of the standard library and of carom, whatever their names mean in the program. And a
//! type that has the name of one that is not fit, but is, can be shared.
#![deny(warnings)]
#![no_implicit_prelude]
#![allow(dead_code, non_camel_case_types, unused_macros)]

mod own {
    #[::carom::shared]
    pub struct Option(u8);
    #[::carom::shared]
    pub struct Cell {
        pub alive: bool,
    }
    #[::carom::shared]
    pub struct Vec<T> {
        pub x: T,
        pub y: T,
    }
    #[::carom::shared]
    pub enum File {
        A,
        B,
    }
    #[::carom::shared]
    pub struct Duration(pub f32);
    #[::carom::shared]
    pub struct String;
}

use own::{Cell, Duration, File, Option, String, Vec};

trait Shared {}
trait Sized {}
trait Drop {}
trait CaromShape {}
struct Layout;
struct Field;
struct Form;
struct usize;
struct bool;
mod core {}
mod std {}

macro_rules! offset_of {
    () => {};
}
macro_rules! derive {
    () => {};
}

/// Methods of all types, under the names that the expansion calls.
trait Everything {
    fn at(&self) {}
    fn field(&self) {}
    fn read(&self) {}
    fn is_valid(&self) {}
    fn wrapping_add(&self) {}
    fn from_ne_bytes() {}
}
impl<T> Everything for T {}

#[::carom::shared]
struct Board {
    cells: [Cell; 9],
    speed: Vec<Duration>,
    file: File,
    none: [Option; 2],
    text: String,
}

#[::carom::shared]
#[repr(u16)]
enum Change {
    Cell(Cell),
    Speed { to: Vec<u8>, from: Duration },
    Nothing = 7,
    Everything,
}

fn fits<T: ::carom::Shared>() {}

fn main() {
    fits::<Board>();
    fits::<[Change; 3]>();
}
