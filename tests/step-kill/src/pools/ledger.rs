//! What must become of calls, whatever happens to the workers.

use carom::TaskError;
use carom_step_kill::{Fault, Kind};

use super::journal::Journal;
use super::tasks::answer;

/// How many calls the death of a worker may cost, however many went to it together.
pub(super) const PRICE: usize = 1;

/// What became of a call.
pub(crate) enum Outcome {
    Value(u64),
    Error(TaskError),
    /// Nobody is told of it, because another one has an error.
    Untold,
}

impl From<Result<u64, TaskError>> for Outcome {
    fn from(result: Result<u64, TaskError>) -> Self {
        result.map_or_else(Self::Error, Self::Value)
    }
}

/// How some calls have ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum End {
    Value,
    Lost,
    /// It was ended because it took too long.
    Limit,
    Untold,
}

/// Looks whether outcomes are as they must be, of the calls from `first` on; how each has ended.
pub(super) fn check(journal: &Journal, first: u32, outcomes: &[Outcome]) -> Result<Vec<End>, Fault> {
    let mut ends = Vec::with_capacity(outcomes.len());
    for (outcome, call) in outcomes.iter().zip(first..) {
        let end = match outcome {
            Outcome::Value(value) => {
                Kind::Torn.unless(*value == answer(call), "the value is that of another call, or of none")?;
                End::Value
            }
            Outcome::Untold => End::Untold,
            Outcome::Error(error) => match error.worker_lost() {
                Some(lost) if lost.status().signal() == Some(libc::SIGKILL) => End::Lost,
                _ => return Err(Kind::Untrue.fault(format!("the error is another one: {error:?}"))),
            },
        };
        check_times(journal, call, end)?;
        ends.push(end);
    }
    Ok(ends)
}

/// Looks whether a call was made as often as it may have been.
pub(super) fn check_times(journal: &Journal, call: u32, end: End) -> Result<(), Fault> {
    let times = journal.times(call);
    Kind::Doubled.unless(times < 2, "a call was made twice")?;
    Kind::Lost.unless(times == 1 || end != End::Value, "there is a value, though the call was not made")
}

/// Of how many deaths these ends tell.
pub(super) fn deaths(ends: &[End]) -> usize {
    ends.iter().filter(|end| **end == End::Lost).count().div_ceil(PRICE)
}
