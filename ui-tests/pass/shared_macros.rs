//! Types that a macro writes, and types that stand in functions.
#![deny(warnings)]

macro_rules! point {
    ($(#[$attribute:meta])* $visibility:vis $name:ident, $tag:ident: $($field:ident: $ty:ty = $value:expr),*) => {
        $(#[$attribute])*
        #[carom::shared]
        $visibility struct $name {
            own: u8,
            $($field: [$ty; $value],)*
        }

        #[derive(carom::Shared)]
        #[repr(u16)]
        $visibility enum $tag {
            First = 7,
            $(#[allow(non_camel_case_types)] $field($ty) = $value,)*
        }
    };
}

point!(#[derive(Clone)] pub Point, Tag: x: f32 = 1, y: u64 = 1 + 1);

macro_rules! lengths {
    ($($ty:ty),*) => {
        $(const _: usize = std::mem::size_of::<$ty>();)*
    };
}
lengths!(Point, Tag);

macro_rules! number {
    () => { u32 };
}

#[carom::shared]
struct Numbers {
    all: [number!(); Self::COUNT],
}

impl Numbers {
    const COUNT: usize = 3;
}

const FIRST: i16 = -300;

#[carom::shared]
#[repr(i16)]
enum Code {
    First = FIRST,
    Second,
    Third = { 2 * 3 },
    Fourth = Self::BASE + 1,
}

impl Code {
    const BASE: i16 = 40;
}

fn fits<T: carom::Shared>(_: &T) {}

fn main() {
    const N: usize = 2;

    #[carom::shared]
    struct Local<T> {
        value: [T; N],
    }

    fits(&Local { value: [1u8, 2] });
    let point = Point { own: 1, x: [2.0], y: [3, 4] };
    fits(&point);
    assert_eq!((point.own, point.x, point.y), (1, [2.0], [3, 4]));
    for tag in [Tag::First, Tag::x(1.0), Tag::y(2)] {
        fits(&tag);
        assert!(matches!(tag, Tag::First | Tag::x(1.0) | Tag::y(2)));
    }
    let numbers = Numbers { all: [1; 3] };
    fits(&numbers);
    assert_eq!(numbers.all.len(), 3);
    let codes = [Code::First, Code::Second, Code::Third, Code::Fourth];
    fits(&codes);
    assert_eq!(codes.map(|code| code as i16), [-300, -299, 6, 41]);

    // a closure has a type of its own
    let all = || {
        #[carom::shared]
        enum Local {
            One,
        }
        fits(&Local::One);
    };
    all();
}
