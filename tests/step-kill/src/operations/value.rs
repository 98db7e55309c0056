//! What is done with a value.

use std::hint::black_box;

use carom_step_kill::{Operation, Run, begin, end};

use super::subject::{self, NEW, Numbers, OLD, Subject};
use super::survivor::{Told, survive, survive_together};

/// Changes one number after the other.
fn change(numbers: &mut Numbers) {
    for number in numbers {
        *black_box(number) = NEW[0];
    }
}

pub(super) fn operations() -> [Operation<Subject>; 7] {
    let operation = |name, state, arrange, run| Operation {
        object: "Value",
        name,
        state,
        sleeps: false,
        ends: usize::MAX,
        arrange,
        run: Run::Copy(run),
        survive: |subject, kill| survive(subject, kill, Told::IfHeld, Some(NEW)),
    };
    let told_always = |name, run| Operation {
        survive: |subject, kill| survive(subject, kill, Told::Always, None),
        ..operation(name, "owner died", subject::orphaned, run)
    };
    let get = operation("get", "free", subject::free, |subject| {
        begin();
        let got = subject.value.get();
        end();
        assert!(got.is_ok_and(|numbers| numbers == OLD));
    });
    [
        operation("update", "free", subject::free, |subject| {
            begin();
            if let Ok(mut guard) = subject.value.lock() {
                change(&mut guard);
            }
            end();
        }),
        Operation {
            survive: |subject, kill| survive_together(subject, kill, Some(NEW)),
            ..operation("update", "held by the one killed, two wait", subject::free_with_a_line, |subject| {
                let mut guard = subject.value.lock().expect("nobody died yet");
                subject.see_them_wait();
                begin();
                change(&mut guard);
                drop(guard);
                end();
            })
        },
        operation("repair", "owner died", subject::orphaned, |subject| {
            begin();
            if let Err(died) = subject.value.lock() {
                change(&mut died.into_guard());
            }
            end();
        }),
        operation("set", "free", subject::free, |subject| {
            begin();
            let _ = subject.value.set(black_box(NEW));
            end();
        }),
        Operation { survive: |subject, kill| survive(subject, kill, Told::IfHeld, Some(OLD)), ..get },
        told_always("set", |subject| {
            begin();
            let _ = subject.value.set(black_box(NEW));
            end();
        }),
        told_always("get", |subject| {
            begin();
            let _ = black_box(subject.value.get());
            end();
        }),
    ]
}
