//! Many calls of one task: their inputs go out in requests of some calls each, their results come in order or not.

use std::collections::{BTreeMap, VecDeque};
use std::iter::Fuse;
use std::sync::Arc;

use super::TaskError;
use super::engine::Engine;
use super::job::Job;
use super::request::{Calls, Request, request, results};
use super::shelf::{Outcome, Shelf};
use crate::task::Task;

/// Requests of one caller that have no outcome yet.
struct Requests<'p> {
    engine: &'p Engine,
    shelf: Arc<Shelf>,
    /// By their numbers, with the index of the first input.
    open: BTreeMap<usize, (usize, Calls)>,
    /// How many there have been.
    made: usize,
    /// How many inputs they have had.
    inputs: usize,
}

impl<'p> Requests<'p> {
    fn new(engine: &'p Engine) -> Self {
        Self { engine, shelf: Arc::default(), open: BTreeMap::new(), made: 0, inputs: 0 }
    }

    /// Makes one; false if there are no more inputs.
    fn make<T: Task>(&mut self, inputs: &mut impl Iterator<Item = T::Input>, chunk_size: usize) -> bool {
        let Some(Request { bytes, fds, calls }) = request::<T>(inputs, chunk_size) else { return false };
        let (shelf, number) = (Arc::clone(&self.shelf), self.made);
        if calls.none_sent() {
            shelf.put(number, Outcome::Reply(Vec::new(), Vec::new()));
        } else {
            self.engine.add(Job::new(bytes, fds, &shelf, number));
        }
        let first = self.inputs;
        self.inputs += calls.count();
        self.open.insert(number, (first, calls));
        self.made += 1;
        true
    }

    /// Waits for so many outcomes.
    fn wait(&self, count: usize) {
        self.engine.wait(&self.shelf, count, None);
    }

    /// Gives the results of a request to `each`.
    fn close<T: Task>(&mut self, number: usize, outcome: Outcome, mut each: impl FnMut(Result<T::Output, TaskError>)) {
        let Some((first, calls)) = self.open.remove(&number) else { return };
        let mut index = first;
        let mut each = |result: Result<T::Output, TaskError>| {
            each(result.map_err(|error| error.of_input(index)));
            index += 1;
        };
        match outcome.into_reply() {
            Ok((bytes, fds)) => results(T::INFO, T::CODEC.output, calls, &bytes, fds, each),
            Err(kind) => (0..calls.count()).for_each(|_| each(Err(TaskError::new(T::INFO, kind.clone())))),
        }
    }
}

impl Drop for Requests<'_> {
    fn drop(&mut self) {
        if !self.open.is_empty() {
            self.engine.forget(&self.shelf);
            self.engine.leave();
        }
    }
}

/// The results of all, in the order of the inputs, or the first error; waits for all in any case.
pub(super) fn map<T: Task>(
    engine: &Engine,
    inputs: impl Iterator<Item = T::Input>,
    chunk_size: usize,
) -> Result<Vec<T::Output>, TaskError> {
    let mut inputs = inputs.fuse();
    let mut requests = Requests::new(engine);
    while requests.make::<T>(&mut inputs, chunk_size) {}
    let mut outputs = Vec::with_capacity(requests.inputs);
    let mut failed = None;
    let mut early = BTreeMap::new();
    let mut next = 0;
    while next < requests.made {
        requests.wait((requests.made - next - early.len()).min(MANY));
        early.extend(requests.shelf.take());
        while let Some(outcome) = early.remove(&next) {
            next += 1;
            requests.close::<T>(next - 1, outcome, |result| match result {
                Ok(output) if failed.is_none() => outputs.push(output),
                Ok(_) => {}
                Err(error) => drop(failed.get_or_insert(error)),
            });
        }
    }
    match failed {
        Some(error) => Err(error),
        None => Ok(outputs),
    }
}

/// As many outcomes are worth being woken for.
const MANY: usize = 256;

/// How many calls there are at a time for each worker, in an iterator that is not asked for more.
const WINDOW: usize = 16;

/// The results of calls, each as soon as it is there and it is its turn; see [`Pool::imap`](super::Pool::imap).
///
/// Inputs are taken as results are, some calls for each worker ahead of them, however long the iterator is. An iterator
/// of inputs that blocks keeps back results that are there. Calls that have not been begun when this is dropped are not
/// made.
#[must_use = "inputs are taken only as results are"]
pub struct Imap<'p, T: Task, I: Iterator<Item = T::Input>> {
    inputs: Fuse<I>,
    ordered: bool,
    chunk_size: usize,
    requests: Requests<'p>,
    /// Outcomes that are there before their turn.
    early: BTreeMap<usize, Outcome>,
    /// The number of the request whose turn it is.
    next: usize,
    /// Results that are there and have not been given out.
    results: VecDeque<Result<T::Output, TaskError>>,
}

impl<'p, T: Task, I: Iterator<Item = T::Input>> Imap<'p, T, I> {
    pub(super) fn new(engine: &'p Engine, inputs: I, chunk_size: usize, ordered: bool) -> Self {
        let (requests, early, results) = (Requests::new(engine), BTreeMap::new(), VecDeque::new());
        Self { inputs: inputs.fuse(), ordered, chunk_size, requests, early, next: 0, results }
    }

    /// Takes inputs until enough calls are under way, or done and not given out.
    fn fill(&mut self) {
        let most = WINDOW.div_ceil(self.chunk_size).max(2) * self.requests.engine.processes();
        let done = self.results.len().div_ceil(self.chunk_size);
        while self.requests.open.len() + done < most && self.requests.make::<T>(&mut self.inputs, self.chunk_size) {}
    }

    /// Takes in what has arrived.
    fn sort(&mut self) {
        let results = &mut self.results;
        for (number, outcome) in self.requests.shelf.take() {
            if self.ordered {
                self.early.insert(number, outcome);
            } else {
                self.requests.close::<T>(number, outcome, |result| results.push_back(result));
            }
        }
        while let Some(outcome) = self.early.remove(&self.next) {
            // before anything of the user's can panic
            self.next += 1;
            self.requests.close::<T>(self.next - 1, outcome, |result| results.push_back(result));
        }
    }
}

impl<T: Task, I: Iterator<Item = T::Input>> Iterator for Imap<'_, T, I> {
    type Item = Result<T::Output, TaskError>;

    fn size_hint(&self) -> (usize, Option<usize>) {
        let under_way: usize = self.requests.open.values().map(|(_, calls)| calls.count()).sum();
        let more = under_way + self.results.len();
        let (least, most) = self.inputs.size_hint();
        (least.saturating_add(more), most.and_then(|most| most.checked_add(more)))
    }

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let result = self.results.pop_front();
            // before the caller does something with the result: the workers are to have something to do meanwhile
            self.fill();
            if result.is_some() {
                self.requests.engine.leave();
                return result;
            }
            if self.requests.open.is_empty() {
                return None;
            }
            self.requests.wait(1);
            self.sort();
        }
    }
}
