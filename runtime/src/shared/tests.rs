//! What the macros make of types: which bytes are a value, which layouts are the same, and the flags.
//!
//! # Safety
//! Candidates are made of slices, and of bytes that are written but for the padding.
#![allow(unsafe_code)]

use std::marker::PhantomData;
use std::mem::{MaybeUninit, offset_of};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64};

use super::{Atomic, Candidate, Lockless, Plain, ShString, Shared, Zeroable};

/// Whether bytes are a value.
fn is<T: Shared>(bytes: &[u8]) -> bool {
    assert_eq!(bytes.len(), size_of::<T>());
    // SAFETY: a slice is what the function asks for.
    T::is_valid(unsafe { Candidate::new(bytes.as_ptr(), bytes.len()) })
}

/// Every sequence of `N` of these bytes.
fn sequences<const N: usize>(of: &[u8]) -> impl Iterator<Item = [u8; N]> {
    (0..of.len().pow(N as u32)).map(|number| std::array::from_fn(|i| of[number / of.len().pow(i as u32) % of.len()]))
}

fn all_bytes() -> Vec<u8> {
    (0..=u8::MAX).collect()
}

fn at<T, F>(value: &T, field: &F) -> usize {
    std::ptr::from_ref(field).addr() - std::ptr::from_ref(value).addr()
}

#[crate::shared]
#[derive(Clone, Copy)]
#[repr(i8)]
#[allow(dead_code)]
enum Step {
    Back = -2,
    Still = 0,
    Forward,
    Far = 100,
    Farther,
}

#[test]
fn only_discriminants_are_values_of_an_enum_without_fields() {
    for byte in 0..=u8::MAX {
        assert_eq!(is::<Step>(&[byte]), matches!(byte as i8, -2 | 0 | 1 | 100 | 101), "{byte}");
    }
    #[crate::shared]
    #[repr(u16)]
    #[allow(dead_code)]
    enum Wide {
        Small = 1,
        Large = 0x0201,
    }
    for bytes in sequences::<2>(&all_bytes()) {
        assert_eq!(is::<Wide>(&bytes), matches!(u16::from_ne_bytes(bytes), 1 | 0x0201), "{bytes:?}");
    }
}

#[test]
fn every_pattern_of_a_small_enum_is_told() {
    #[crate::shared]
    #[allow(dead_code)]
    enum Small {
        Nothing,
        Flag(bool),
        Byte(u8) = 7,
        Step { step: Step },
        Unit((), ()),
    }
    for bytes in sequences::<2>(&all_bytes()) {
        let expected = match bytes {
            [0 | 7 | 9, _] => true,
            [1, flag] => flag < 2,
            [8, step] => matches!(step as i8, -2 | 0 | 1 | 100 | 101),
            _ => false,
        };
        assert_eq!(is::<Small>(&bytes), expected, "{bytes:?}");
    }
}

#[crate::shared]
#[derive(Clone, Copy)]
#[allow(dead_code)]
enum Event {
    Quit,
    Flag(bool),
    Wide(bool, u16, bool),
    Key { repeated: bool, key: char },
}

#[test]
fn the_fields_of_a_variant_are_found_behind_padding() {
    for bytes in sequences::<8>(&[0, 1, 2, 0xD8]) {
        let key = u32::from_ne_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]);
        let expected = match bytes {
            [0, ..] => true,
            [1, flag, ..] => flag < 2,
            // the number is at 2, its alignment
            [2, first, _, _, second, ..] => first < 2 && second < 2,
            [3, repeated, ..] => repeated < 2 && char::from_u32(key).is_some(),
            _ => false,
        };
        assert_eq!(is::<Event>(&bytes), expected, "{bytes:?}");
    }
}

/// The places of fields are calculated; these are where the compiler puts them.
#[test]
fn the_fields_of_a_variant_are_where_the_compiler_puts_them() {
    #[crate::shared]
    #[repr(u32, align(32))]
    #[allow(dead_code)]
    enum Crowd<T> {
        One { a: u8, flag: bool, b: u64, c: [u16; 3], d: T, last: bool },
        Two(ShString<5>, T, bool),
    }
    let one = Crowd::One { a: 1, flag: true, b: 2, c: [3; 3], d: 4_u128, last: true };
    let Crowd::One { flag, last, .. } = &one else { panic!() };
    let places = [at(&one, flag), at(&one, last)];
    let two = Crowd::Two(ShString::new(), 1_u128, true);
    let Crowd::Two(_, _, flag) = &two else { panic!() };
    for (tag, place) in places.map(|place| (0, place)).into_iter().chain([(1, at(&two, flag))]) {
        let mut bytes = [0_u8; size_of::<Crowd<u128>>()];
        bytes[0..4].copy_from_slice(&u32::to_ne_bytes(tag));
        assert!(is::<Crowd<u128>>(&bytes));
        bytes[place] = 2;
        assert!(!is::<Crowd<u128>>(&bytes), "variant {tag}, byte {place}");
    }
}

#[test]
fn padding_is_not_read() {
    let mut bytes = [MaybeUninit::<u8>::uninit(); size_of::<Event>()];
    let check = |bytes: &[MaybeUninit<u8>]| {
        // SAFETY: what is not written is padding of the variant.
        Event::is_valid(unsafe { Candidate::new(bytes.as_ptr().cast(), bytes.len()) })
    };
    bytes[0].write(0);
    assert!(check(&bytes));
    bytes[0].write(1);
    bytes[1].write(1);
    assert!(check(&bytes));
    bytes[0].write(3);
    bytes[4..8].iter_mut().zip(u32::from('x').to_ne_bytes()).for_each(|(byte, value)| _ = byte.write(value));
    assert!(check(&bytes));
}

#[crate::shared]
#[derive(Clone, Copy)]
#[allow(dead_code)]
struct Line {
    ends: [Event; 2],
    kind: u8,
    name: ShString<3>,
}

#[test]
fn structs_and_arrays_are_valid_if_all_of_them_is() {
    let valid = [0_u8; size_of::<Line>()];
    assert!(is::<Line>(&valid));
    let with = |place: usize, value: u8| {
        let mut bytes = valid;
        bytes[place] = value;
        is::<Line>(&bytes)
    };
    for first in [0, size_of::<Event>()] {
        assert!(with(first, 1));
        assert!(!with(first, 4));
    }
    assert!(with(offset_of!(Line, kind), 255));
    let name = offset_of!(Line, name);
    assert!(with(name, 3));
    assert!(!with(name, 4));

    let lines = [valid; 3].concat();
    assert!(is::<[Line; 3]>(&lines));
    for i in 0..3 {
        let mut lines = lines.clone();
        lines[i * valid.len() + size_of::<Event>()] = 4;
        assert!(!is::<[Line; 3]>(&lines));
    }
}

#[test]
fn generic_types_are_checked_by_their_arguments() {
    #[crate::shared]
    #[allow(dead_code)]
    struct Pair<A, B = A, const N: usize = 1> {
        a: A,
        b: [B; N],
    }
    assert!(is::<Pair<u8>>(&[255, 255]));
    assert!(is::<Pair<u8, bool>>(&[255, 1]));
    assert!(!is::<Pair<u8, bool>>(&[255, 2]));
    assert!(!is::<Pair<u8, bool, 3>>(&[255, 1, 1, 2]));
    assert_ne!(Pair::<u8, bool>::LAYOUT, Pair::<bool, u8>::LAYOUT);
    assert_eq!(Pair::<u8>::LAYOUT, Pair::<u8, u8, 1>::LAYOUT);
}

/// Types of one name, of which all but the last two differ in one thing.
#[allow(dead_code)]
mod alike {
    macro_rules! alike {
        ($($module:ident $item:item)*) => {$(
            pub(super) mod $module {
                #[crate::shared]
                $item
            }
        )*};
    }
    alike! {
        first pub(crate) struct Point { x: f32, y: f32 }
        again pub(crate) struct Point { x: f32, y: f32 }
        renamed pub(crate) struct Point { x: f32, z: f32 }
        reordered pub(crate) struct Point { y: f32, x: f32 }
        retyped pub(crate) struct Point { x: f32, y: u32 }
        longer pub(crate) struct Point { x: f32, y: f32, z: () }
        unnamed pub(crate) struct Point(f32, f32);
        aligned #[repr(C, align(8))] pub(crate) struct Point { x: f32, y: f32 }
        other pub(crate) struct Paint { x: f32, y: f32 }

        enum_first pub(crate) enum Point { On, Off(u8) }
        enum_again pub(crate) enum Point { On, Off(u8) }
        enum_renamed pub(crate) enum Point { In, Off(u8) }
        enum_reordered pub(crate) enum Point { Off(u8), On }
        enum_renumbered pub(crate) enum Point { On = 1, Off(u8) }
        enum_retyped pub(crate) enum Point { On, Off(i8) }
        enum_named pub(crate) enum Point { On, Off { x: u8 } }
        enum_moved pub(crate) enum Point { On(u8), Off }
        enum_wider #[repr(u16)] pub(crate) enum Point { On, Off(u8) }
    }
}

#[test]
fn layouts_differ_where_types_do() {
    use alike::*;
    assert_eq!(first::Point::LAYOUT, again::Point::LAYOUT);
    assert_eq!(enum_first::Point::LAYOUT, enum_again::Point::LAYOUT);
    let all = [
        first::Point::LAYOUT,
        renamed::Point::LAYOUT,
        reordered::Point::LAYOUT,
        retyped::Point::LAYOUT,
        longer::Point::LAYOUT,
        unnamed::Point::LAYOUT,
        aligned::Point::LAYOUT,
        other::Paint::LAYOUT,
        enum_first::Point::LAYOUT,
        enum_renamed::Point::LAYOUT,
        enum_reordered::Point::LAYOUT,
        enum_renumbered::Point::LAYOUT,
        enum_retyped::Point::LAYOUT,
        enum_named::Point::LAYOUT,
        enum_moved::Point::LAYOUT,
        enum_wider::Point::LAYOUT,
    ];
    for (i, layout) in all.iter().enumerate() {
        assert_eq!(all.iter().position(|other| other == layout), Some(i));
    }
}

fn flags<T: Shared>() -> (bool, bool, bool) {
    (T::PADDED, T::CHECKED, T::ATOMIC)
}

#[test]
fn flags_are_those_of_the_fields() {
    #[crate::shared]
    #[derive(Clone, Copy)]
    #[allow(dead_code)]
    struct Numbers {
        a: u32,
        b: [u16; 2],
        c: PhantomData<String>,
    }
    #[crate::shared]
    #[derive(Clone, Copy)]
    #[allow(dead_code)]
    struct Gap(u32, u8);
    #[crate::shared]
    #[allow(dead_code)]
    struct OfGap(Gap);
    #[crate::shared]
    #[allow(dead_code)]
    struct Flag(bool);
    #[crate::shared]
    #[allow(dead_code)]
    struct Counters(AtomicU64, [AtomicU32; 2]);
    #[crate::shared]
    #[allow(dead_code)]
    struct Apart(AtomicU32, AtomicBool, AtomicU8);
    #[crate::shared]
    struct Nothing;
    #[crate::shared]
    #[repr(u8, align(2))]
    enum Aligned {
        _One,
    }

    assert_eq!(flags::<Numbers>(), (false, false, false));
    assert_eq!(flags::<Gap>(), (true, false, false));
    assert_eq!(flags::<OfGap>(), (true, false, false));
    assert_eq!(flags::<Flag>(), (false, true, false));
    assert_eq!(flags::<Counters>(), (false, false, true));
    assert_eq!(flags::<Apart>(), (true, true, true));
    assert_eq!(flags::<Nothing>(), (false, false, true));
    assert_eq!(flags::<Step>(), (false, true, false));
    assert_eq!(flags::<Aligned>(), (true, true, false));
    assert_eq!(flags::<Event>(), (true, true, false));

    fn any_bits<T: Zeroable>() {}
    fn plain<T: Plain + Lockless>() {}
    fn atomic<T: Atomic + Lockless>() {}
    any_bits::<OfGap>();
    plain::<Numbers>();
    atomic::<Counters>();
    atomic::<Apart>();
}

#[test]
fn text_is_written_as_far_as_it_fits() -> Result<(), super::TooLong> {
    use std::fmt::Write;
    let mut text = ShString::<8>::new();
    assert!(write!(text, "{}-{}", 12, 34).is_ok());
    assert!(write!(text, "too long").is_err());
    assert_eq!(String::from(text), "12-34");
    text.set("Grüße")?;
    assert_eq!((text.len(), text.capacity(), text.is_empty()), (7, 8, false));
    assert_eq!(text.push_str("xy"), Err(super::TooLong { len: 9, capacity: 8 }));
    assert_eq!(text, "Grüße");
    Ok(())
}
