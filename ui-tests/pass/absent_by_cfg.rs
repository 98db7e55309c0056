//! A `cfg` that does not hold removes all that belongs to a task, wherever it stands.
#![deny(warnings)]

#[carom::task]
#[cfg(any())]
fn after(x: NoSuchType) {}

#[cfg(any())]
#[carom::task]
fn before(x: NoSuchType) {}

#[carom::task]
#[cfg_attr(all(), cfg(any()))]
fn by_attribute(x: NoSuchType) {}

carom::tasks! {
    #[cfg(any())]
    no_such_crate::decode as decode(bytes: NoSuchType) -> NoSuchType;
}

#[carom::task]
#[cfg(all())]
fn present() {}

/// The names are free.
fn after() {}
fn before() {}
fn by_attribute() {}
fn decode() {}

fn main() {
    after();
    before();
    by_attribute();
    decode();
    present();
    assert_eq!(carom::task::registered().count(), 1);
}
