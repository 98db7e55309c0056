//! What a worker of a pool does, from where it sleeps to where it sleeps again.

use carom_step_kill::{Operation, Run};

use crate::pools::{How, Scenario, Stage, set_up};

const ONE: Scenario = Scenario {
    workers: 1,
    before: 0,
    calls: 1,
    chunk: 1,
    how: How::Apply,
    others_first: false,
    stopped: false,
    limited: false,
    most: None,
};

pub(super) fn operations() -> [Operation<Stage>; 15] {
    macro_rules! operation {
        ($name:literal, $state:literal, $($field:ident: $value:expr),*) => {
            Operation {
                object: "Pool",
                name: $name,
                state: $state,
                sleeps: true,
                ends: usize::MAX,
                arrange: || {
                    const SCENARIO: &Scenario = &Scenario { $($field: $value,)* ..ONE };
                    set_up(SCENARIO)
                },
                run: Run::Sleeper { pid: Stage::victim, wake: Stage::call, begins: false },
                survive: Stage::survive,
            }
        };
    }
    let few = |operation| Operation { ends: 60, ..operation };
    let begins = |operation| Operation {
        run: Run::Sleeper { pid: Stage::victim, wake: Stage::call, begins: true },
        ..operation
    };
    [
        Operation { ends: 320, ..operation!("worker, apply", "the caller sleeps", how: How::Apply) },
        few(operation!("worker, apply", "the caller looks again and again", how: How::Polled)),
        few(operation!("worker, apply", "the caller does something else", how: How::Left)),
        few(operation!("worker, apply", "the rings have gone round", before: 300)),
        few(operation!("worker, imap of 3", "one worker", how: How::Imap, calls: 3)),
        few(operation!("worker, imap of 3", "the owner is stopped", how: How::Imap, calls: 3, stopped: true)),
        few(operation!("worker, map of 2", "one worker", how: How::Map, calls: 2)),
        few(operation!("worker, a chunk of 5 numbers", "one worker", how: How::Imap, calls: 5, chunk: 5)),
        few(begins(operation!("worker, a chunk in two parts", "one worker", how: How::Parts, calls: 4, chunk: 4))),
        few(operation!("worker, a chunk of 3", "calls have limits", how: How::Imap, calls: 3, chunk: 3, limited: true)),
        few(
            operation!("worker, a chunk of 5", "it retires after 2", how: How::Imap, calls: 5, chunk: 5, most: Some(3)),
        ),
        few(operation!("worker, imap of 4", "another one is stopped", how: How::Imap, calls: 4, workers: 2)),
        few(
            operation!("worker, imap of 6", "another one took what it could", how: How::Imap, calls: 6, workers: 2, others_first: true),
        ),
        few(begins(operation!("worker, a long answer", "one worker", how: How::Long))),
        few(operation!("worker, a descriptor comes", "one worker", how: How::Take)),
    ]
}
