//! The atomics that `raw` is compiled with here. Before each of its operations, other threads may run, and this one may die.

use std::panic::Location;

pub(crate) use std::sync::atomic::Ordering;

use crate::checker;

macro_rules! atomic {
    ($name:ident, $int:ty) => {
        #[repr(transparent)]
        pub(crate) struct $name(std::sync::atomic::$name);

        #[allow(dead_code, reason = "some are used with one of the two only")]
        impl $name {
            #[track_caller]
            pub(crate) fn load(&self, order: Ordering) -> $int {
                step(order);
                let found = self.0.load(order);
                self.told(found, found)
            }

            #[track_caller]
            pub(crate) fn store(&self, value: $int, order: Ordering) {
                step(order);
                let before = self.peek();
                self.0.store(value, order);
                checker::wrote(self.address(), before.into(), value.into());
            }

            #[track_caller]
            pub(crate) fn swap(&self, value: $int, order: Ordering) -> $int {
                step(order);
                let found = self.0.swap(value, order);
                self.told(found, value)
            }

            #[track_caller]
            pub(crate) fn fetch_add(&self, value: $int, order: Ordering) -> $int {
                step(order);
                let found = self.0.fetch_add(value, order);
                self.told(found, found.wrapping_add(value))
            }

            #[track_caller]
            pub(crate) fn fetch_and(&self, value: $int, order: Ordering) -> $int {
                step(order);
                let found = self.0.fetch_and(value, order);
                self.told(found, found & value)
            }

            #[track_caller]
            pub(crate) fn fetch_max(&self, value: $int, order: Ordering) -> $int {
                step(order);
                let found = self.0.fetch_max(value, order);
                self.told(found, found.max(value))
            }

            #[track_caller]
            pub(crate) fn compare_exchange(
                &self,
                expected: $int,
                value: $int,
                order: Ordering,
                otherwise: Ordering,
            ) -> Result<$int, $int> {
                step(order);
                let result = self.0.compare_exchange(expected, value, order, otherwise);
                let after = if result.is_ok() { value } else { self.peek() };
                self.told(result.unwrap_or_else(|found| found), after);
                result
            }

            #[track_caller]
            pub(crate) fn fetch_update(
                &self,
                order: Ordering,
                otherwise: Ordering,
                mut change: impl FnMut($int) -> Option<$int>,
            ) -> Result<$int, $int> {
                let mut found = self.load(otherwise);
                while let Some(value) = change(found) {
                    match self.compare_exchange(found, value, order, otherwise) {
                        Ok(found) => return Ok(found),
                        Err(now) => found = now,
                    }
                }
                Err(found)
            }

            /// Writes what nobody looks at before the next step is made.
            pub(crate) fn prepare(&self, value: $int) {
                let before = self.peek();
                self.0.store(value, Ordering::SeqCst);
                checker::wrote(self.address(), before.into(), value.into());
            }

            /// The value, looked at by nobody in the model.
            pub(crate) fn peek(&self) -> $int {
                self.0.load(Ordering::SeqCst)
            }

            pub(crate) fn address(&self) -> usize {
                std::ptr::from_ref(self).addr()
            }

            fn told(&self, found: $int, after: $int) -> $int {
                if found != after {
                    checker::wrote(self.address(), found.into(), after.into());
                }
                checker::saw(found.into());
                found
            }
        }
    };
}

atomic!(AtomicU32, u32);
atomic!(AtomicU64, u64);

#[track_caller]
fn step(order: Ordering) {
    assert_eq!(order, Ordering::SeqCst, "the checker knows no other order");
    checker::step(Location::caller());
}
