//! Many calls of one task: their inputs go out in requests of some calls each, their results come in order or not.

use std::collections::VecDeque;
use std::iter::Fuse;
use std::marker::PhantomData;
use std::sync::Arc;

use super::TaskError;
use super::engine::Engine;
use super::error::Kind;
use super::job::{Job, Outcome};
use super::request::{Calls, SMALL, request, results};
use super::shelf::Shelf;
use super::terms::Terms;
use crate::task::{Deadline, Task};

/// Requests of one caller that have no outcome yet.
struct Requests<'p, T> {
    engine: &'p Engine,
    shelf: Arc<Shelf>,
    task: PhantomData<T>,
    /// By their numbers, with the index of the first input; none where there is an outcome.
    open: VecDeque<Option<(usize, Calls)>>,
    /// The number of the first.
    first: usize,
    /// How many have no outcome.
    count: usize,
    /// How many inputs they have had.
    inputs: usize,
    /// How many bytes the last one has.
    len: usize,
    /// Those that the engine is to be given.
    ready: Vec<Job>,
}

/// So many requests are given to the engine at once, once there have been as many.
const AT_ONCE: usize = 32;

impl<'p, T: Task> Requests<'p, T> {
    fn new(engine: &'p Engine, terms: Terms) -> Self {
        let shelf = Arc::new(Shelf::new(T::INFO, terms, &engine.buffers));
        let (open, ready) = (VecDeque::new(), Vec::new());
        Self { engine, shelf, task: PhantomData, open, first: 0, count: 0, inputs: 0, len: 0, ready }
    }

    /// How many there have been.
    fn made(&self) -> usize {
        self.first + self.open.len()
    }

    /// Makes one; false if there are no more inputs.
    fn make(&mut self, inputs: &mut impl Iterator<Item = T::Input>, chunk_size: usize) -> bool {
        // as long as the last one was
        let memory = self.engine.buffers.take(self.len.max(SMALL));
        let Some(request) = request::<T>(inputs, chunk_size, memory) else {
            self.give();
            return false;
        };
        let number = self.made();
        let first = self.inputs;
        self.len = if request.bulk { 0 } else { request.bytes.len() };
        let long = request.bytes.len() > LONG;
        let (job, calls) = Job::new(request, &self.shelf, number);
        self.inputs += calls.count();
        match calls.sent() {
            0 => self.shelf.put(number, Outcome::of_none()),
            _ => self.ready.push(job),
        }
        self.open.push_back(Some((first, calls)));
        self.count += 1;
        if long || self.ready.len() >= AT_ONCE.min(number / 2) {
            self.give();
        }
        true
    }

    /// Gives the engine what there is for it.
    fn give(&mut self) {
        if !self.ready.is_empty() {
            self.engine.add(self.ready.drain(..));
        }
    }

    /// Waits for so many outcomes, or fewer if the soft time limit of the task that waits comes before, but for one at least.
    fn wait(&self, count: usize) -> Result<(), TaskError> {
        if self.engine.wait(&self.shelf, count, Deadline::Never.instant()) {
            return Ok(());
        }
        Deadline::Never.check().map_err(|exceeded| self.shelf.error(Kind::WaitersSoftTimeLimit(exceeded)))
    }

    /// Gives the results of a request to `each`.
    fn close(&mut self, number: usize, outcome: Outcome, mut each: impl FnMut(Result<T::Output, TaskError>)) {
        let place = number.checked_sub(self.first);
        let Some((first, calls)) = place.and_then(|place| self.open.get_mut(place)).and_then(Option::take) else {
            return;
        };
        self.count -= 1;
        while let Some(None) = self.open.front() {
            self.open.pop_front();
            self.first += 1;
        }
        let mut index = first;
        results(&self.shelf, T::CODEC.output, calls, outcome, |result: Result<T::Output, TaskError>| {
            each(result.map_err(|error| error.of_input(index)));
            index += 1;
        });
    }
}

/// A request of so many bytes is on its way while the next one is made.
const LONG: usize = 16 << 10;

impl<T> Drop for Requests<'_, T> {
    fn drop(&mut self) {
        if self.count > 0 {
            self.engine.forget(&self.shelf);
            self.engine.leave();
        }
    }
}

/// Outcomes that are there before their turn.
#[derive(Default)]
struct Early {
    outcomes: VecDeque<Option<Outcome>>,
    /// The number whose turn it is.
    next: usize,
    count: usize,
}

impl Early {
    fn add(&mut self, number: usize, outcome: Outcome) {
        let Some(place) = number.checked_sub(self.next) else { return };
        if self.outcomes.len() <= place {
            self.outcomes.resize_with(place + 1, || None);
        }
        self.outcomes[place] = Some(outcome);
        self.count += 1;
    }

    /// That whose turn it is.
    fn next(&mut self) -> Option<(usize, Outcome)> {
        let outcome = self.outcomes.front_mut()?.take()?;
        self.outcomes.pop_front();
        (self.next, self.count) = (self.next + 1, self.count - 1);
        Some((self.next - 1, outcome))
    }
}

/// The results of all, in the order of the inputs, or the first error; waits for all in any case but that of a soft time limit.
pub(super) fn map<T: Task>(
    engine: &Engine,
    inputs: impl Iterator<Item = T::Input>,
    chunk_size: usize,
    terms: Terms,
) -> Result<Vec<T::Output>, TaskError> {
    let mut inputs = inputs.fuse();
    let mut requests = Requests::<T>::new(engine, terms);
    while requests.make(&mut inputs, chunk_size) {}
    let mut outputs = Vec::with_capacity(requests.inputs);
    let mut failed = None;
    let mut early = Early::default();
    while requests.count > 0 {
        requests.wait((requests.count - early.count).min(MANY))?;
        requests.shelf.take().into_iter().for_each(|(number, outcome)| early.add(number, outcome));
        while let Some((number, outcome)) = early.next() {
            requests.close(number, outcome, |result| match result {
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
/// of inputs that blocks keeps back results that are there. Chunks that have not been begun when this is dropped are not
/// made. In a task of another pool, its [soft time limit](mod@crate::task#soft-time-limits) is the last item, if it passes before the
/// next result is there.
#[must_use = "inputs are taken only as results are"]
pub struct Imap<'p, T: Task, I: Iterator<Item = T::Input>> {
    inputs: Fuse<I>,
    ordered: bool,
    chunk_size: usize,
    requests: Requests<'p, T>,
    early: Early,
    /// Results that are there and have not been given out.
    results: VecDeque<Result<T::Output, TaskError>>,
    /// The soft time limit of the task that asks has passed, and it was told.
    is_over: bool,
}

impl<'p, T: Task, I: Iterator<Item = T::Input>> Imap<'p, T, I> {
    pub(super) fn new(engine: &'p Engine, inputs: I, chunk_size: usize, ordered: bool, terms: Terms) -> Self {
        let (requests, early, results) = (Requests::new(engine, terms), Early::default(), VecDeque::new());
        Self { inputs: inputs.fuse(), ordered, chunk_size, requests, early, results, is_over: false }
    }

    /// How often calls have been begun again so far, because their workers were lost.
    pub fn retries(&self) -> u32 {
        self.requests.shelf.retries()
    }

    /// Takes inputs until enough calls are under way, or done and not given out.
    fn fill(&mut self) {
        let most = WINDOW.div_ceil(self.chunk_size).max(2) * self.requests.engine.processes();
        let done = self.results.len().div_ceil(self.chunk_size);
        while self.requests.count + done < most && self.requests.make(&mut self.inputs, self.chunk_size) {}
        self.requests.give();
    }

    /// Takes in what has arrived.
    fn sort(&mut self) {
        let results = &mut self.results;
        for (number, outcome) in self.requests.shelf.take() {
            if self.ordered {
                self.early.add(number, outcome);
            } else {
                self.requests.close(number, outcome, |result| results.push_back(result));
            }
        }
        while let Some((number, outcome)) = self.early.next() {
            self.requests.close(number, outcome, |result| results.push_back(result));
        }
    }
}

impl<T: Task, I: Iterator<Item = T::Input>> Iterator for Imap<'_, T, I> {
    type Item = Result<T::Output, TaskError>;

    fn size_hint(&self) -> (usize, Option<usize>) {
        if self.is_over {
            return (0, Some(0));
        }
        let under_way: usize = self.requests.open.iter().flatten().map(|(_, calls)| calls.count()).sum();
        let more = under_way + self.results.len();
        let (least, most) = self.inputs.size_hint();
        (least.saturating_add(more), most.and_then(|most| most.checked_add(more)))
    }

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            // who passes over errors would otherwise come back at once, again and again
            if self.is_over {
                return None;
            }
            let result = self.results.pop_front();
            // before the caller does something with the result: the workers are to have something to do meanwhile
            self.fill();
            if result.is_some() {
                self.requests.engine.leave();
                return result;
            }
            if self.requests.count == 0 {
                return None;
            }
            if let Err(error) = self.requests.wait(1) {
                self.is_over = true;
                return Some(Err(error));
            }
            self.sort();
        }
    }
}
