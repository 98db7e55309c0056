//! A `cfg` at a field, a variant or a layout counts before the type is looked at.
#![deny(warnings)]

use std::mem::{align_of, size_of};

#[carom::shared]
struct Counter {
    value: u32,
    #[cfg(any())]
    name: NoSuchType,
    #[cfg_attr(all(), cfg(any()))]
    names: Vec<String>,
    #[cfg(all())]
    total: u64,
}

#[carom::shared]
enum Event {
    #[cfg(any())]
    Opened(String),
    Closed(#[cfg(any())] NoSuchType, u16),
    Read {
        #[cfg(any())]
        from: &'static str,
        count: u32,
    },
}

#[cfg_attr(all(), carom::shared)]
#[cfg_attr(all(), repr(C, align(64)))]
struct Line(u8);

#[carom::shared]
#[cfg_attr(any(), repr(u8))]
#[cfg_attr(all(), repr(u32), derive(Clone, Copy))]
enum Wide {
    One,
}

#[carom::shared]
#[cfg_attr(any(), repr(u32))]
enum Narrow {
    One,
}

#[carom::shared]
#[cfg_attr(all(), repr(i16))]
enum Code {
    #[cfg(any())]
    Far = 100_000,
    Failed = -300,
}

#[carom::shared]
enum Level {
    Low,
    #[cfg(any())]
    High = 1000,
    #[cfg(all())]
    Middle = 7,
}

#[derive(carom::Shared)]
#[cfg_attr(all(), repr(transparent))]
struct Same {
    #[cfg(any())]
    padding: NoSuchType,
    value: u64,
}

#[carom::shared]
#[cfg(any())]
struct Absent {
    field: NoSuchType,
}

#[cfg(any())]
#[carom::shared]
struct AlsoAbsent {
    field: NoSuchType,
}

fn fits<T: carom::Shared>(_: T) {}

fn main() {
    fits(Counter { value: 1, total: 2 });
    fits(Event::Closed(1));
    fits(Event::Read { count: 1 });
    fits(Line(1));
    fits((Wide::One, Narrow::One).0);
    fits(Narrow::One);
    fits(Code::Failed);
    fits([Level::Low, Level::Middle]);
    fits(Same { value: 1 });
    assert_eq!((size_of::<Counter>(), size_of::<Wide>(), size_of::<Narrow>(), align_of::<Line>()), (16, 4, 1, 64));
}
