//! What is done with a value.

use std::hint::black_box;

use carom_step_kill::{Operation, begin, end};

use super::subject::{self, NEW, Numbers, OLD, Subject};
use super::survivor::{Told, survive};

/// Changes one number after the other.
fn change(numbers: &mut Numbers) {
    for number in numbers {
        *black_box(number) = NEW[0];
    }
}

pub(super) fn operations() -> [Operation<Subject>; 6] {
    [
        Operation {
            name: "update",
            state: "free",
            arrange: subject::free,
            run: |subject| {
                begin();
                if let Ok(mut guard) = subject.value.lock() {
                    change(&mut guard);
                }
                end();
            },
            survive: |subject, kill| survive(subject, kill, Told::IfHeld, Some(NEW)),
        },
        Operation {
            name: "repair",
            state: "owner died",
            arrange: subject::orphaned,
            run: |subject| {
                begin();
                if let Err(died) = subject.value.lock() {
                    change(&mut died.into_guard());
                }
                end();
            },
            survive: |subject, kill| survive(subject, kill, Told::IfHeld, Some(NEW)),
        },
        Operation {
            name: "set",
            state: "free",
            arrange: subject::free,
            run: |subject| {
                begin();
                let _ = subject.value.set(black_box(NEW));
                end();
            },
            survive: |subject, kill| survive(subject, kill, Told::IfHeld, Some(NEW)),
        },
        Operation {
            name: "get",
            state: "free",
            arrange: subject::free,
            run: |subject| {
                begin();
                let got = subject.value.get();
                end();
                assert!(got.is_ok_and(|numbers| numbers == OLD));
            },
            survive: |subject, kill| survive(subject, kill, Told::IfHeld, Some(OLD)),
        },
        Operation {
            name: "set",
            state: "owner died",
            arrange: subject::orphaned,
            run: |subject| {
                begin();
                let _ = subject.value.set(black_box(NEW));
                end();
            },
            survive: |subject, kill| survive(subject, kill, Told::Always, None),
        },
        Operation {
            name: "get",
            state: "owner died",
            arrange: subject::orphaned,
            run: |subject| {
                begin();
                let _ = black_box(subject.value.get());
                end();
            },
            survive: |subject, kill| survive(subject, kill, Told::Always, None),
        },
    ]
}
