//! A request on its way.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use super::shelf::{Outcome, Shelf};

pub(super) struct Job {
    pub(super) bytes: Vec<u8>,
    pub(super) fds: Vec<OwnedFd>,
    /// The bytes as a file, if they are too many for a region.
    pub(super) apart: Option<OwnedFd>,
    /// Where its outcome goes, and under which number.
    pub(super) shelf: Arc<Shelf>,
    pub(super) number: usize,
}

impl Job {
    pub(super) fn new(bytes: Vec<u8>, fds: Vec<OwnedFd>, shelf: &Arc<Shelf>, number: usize) -> Self {
        Self { bytes, fds, apart: None, shelf: Arc::clone(shelf), number }
    }

    pub(super) fn done(self, outcome: Outcome) {
        self.shelf.put(self.number, outcome);
    }
}
