//! A request on its way: some calls of one task, and what has become of the first of them.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use super::error::Kind;
use super::request::{Calls, Request};
use super::shelf::Shelf;

pub(super) struct Job {
    pub(super) bytes: Vec<u8>,
    /// They are those of a vector of numbers.
    pub(super) bulk: bool,
    /// Where its outcome goes, and under which number.
    pub(super) shelf: Arc<Shelf>,
    pub(super) number: usize,
    /// How many calls it has.
    pub(super) count: u32,
    /// Of how many it is known what has become of them.
    pub(super) done: u32,
    /// How often the next one has been begun.
    pub(super) attempt: u32,
    rare: Option<Box<Rare>>,
}

/// What most jobs do not have.
#[derive(Default)]
pub(super) struct Rare {
    pub(super) fds: Vec<OwnedFd>,
    /// The bytes as a file, if they are too many for a region.
    pub(super) apart: Option<OwnedFd>,
    /// All parts but the last.
    parts: Vec<Part>,
}

/// What has become of some calls, one after another.
pub(super) struct Part {
    pub(super) count: u32,
    pub(super) what: What,
}

pub(super) enum What {
    /// A row of records.
    Records(Vec<u8>, Vec<OwnedFd>),
    /// Numbers, as they stand in memory.
    Numbers(Vec<u8>),
    /// A vector of numbers.
    Bulk(Vec<u8>),
    Failed(Kind),
}

/// What has become of a job.
pub(super) struct Outcome {
    first: Vec<Part>,
    last: Part,
}

impl Outcome {
    /// Of a job without calls.
    pub(super) fn of_none() -> Self {
        Self::of(Part { count: 0, what: What::Records(Vec::new(), Vec::new()) })
    }

    fn of(last: Part) -> Self {
        Self { first: Vec::new(), last }
    }

    pub(super) fn into_parts(self) -> impl Iterator<Item = Part> {
        self.first.into_iter().chain([self.last])
    }

    /// How much memory it holds.
    pub(super) fn size(&self) -> usize {
        self.first.iter().chain([&self.last]).map(Part::size).sum()
    }
}

impl Part {
    fn size(&self) -> usize {
        match &self.what {
            What::Records(bytes, _) | What::Numbers(bytes) | What::Bulk(bytes) => bytes.len(),
            What::Failed(_) => 0,
        }
    }
}

impl Job {
    pub(super) fn new(request: Request, shelf: &Arc<Shelf>, number: usize) -> (Self, Calls) {
        let Request { bytes, bulk, fds, calls } = request;
        let count = calls.sent();
        let rare = (!fds.is_empty()).then(|| Box::new(Rare { fds, ..Rare::default() }));
        (Self { bytes, bulk, shelf: Arc::clone(shelf), number, count, done: 0, attempt: 0, rare }, calls)
    }

    /// The descriptors that go with it.
    pub(super) fn fds(&self) -> impl Iterator<Item = &OwnedFd> {
        self.rare.iter().flat_map(|rare| rare.apart.iter().chain(&rare.fds))
    }

    pub(super) fn has_fds(&self) -> bool {
        self.fds().next().is_some()
    }

    pub(super) fn set_apart(&mut self, file: OwnedFd) {
        self.rare.get_or_insert_default().apart = Some(file);
    }

    pub(super) fn is_apart(&self) -> bool {
        self.rare.as_ref().is_some_and(|rare| rare.apart.is_some())
    }

    /// Gives the descriptors up, if they are not needed once more; whether it had some.
    pub(super) fn let_go(&mut self) -> bool {
        // a call that is made again, or one that is made elsewhere when another one has ended its worker, needs its own
        if self.count - self.done > 1 || self.attempt < self.shelf.terms.retries {
            return false;
        }
        match &mut self.rare {
            Some(rare) => {
                let had = rare.apart.take().is_some() | !rare.fds.is_empty();
                rare.fds.clear();
                had
            }
            None => false,
        }
    }

    pub(super) fn left(&self) -> u32 {
        self.count - self.done
    }

    /// Takes note of what has become of the next calls; whether those were the last, and it has been told.
    #[must_use = "when it is done, it is nowhere"]
    pub(super) fn add(mut self, part: Part) -> Option<Self> {
        self.done += part.count;
        self.attempt = 0;
        if self.done < self.count {
            self.rare.get_or_insert_default().parts.push(part);
            return Some(self);
        }
        self.shelf.buffers.give_back(self.bytes);
        let first = self.rare.map(|rare| rare.parts).unwrap_or_default();
        self.shelf.put(self.number, Outcome { first, last: part });
        None
    }

    /// The next call has been begun, and is to be begun again; false if it has been often enough.
    pub(super) fn again(&mut self) -> bool {
        let again = self.attempt < self.shelf.terms.retries;
        if again {
            self.attempt += 1;
            self.shelf.repeated();
        }
        again
    }

    /// Says of all that are left why they have no result.
    pub(super) fn fail(self, kind: Kind) {
        let part = Part { count: self.left(), what: What::Failed(kind) };
        // nothing is left
        let _ = self.add(part);
    }
}
