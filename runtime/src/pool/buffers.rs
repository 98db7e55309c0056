//! Memory of messages that have been dealt with, for others: a page that is touched for the first time costs more than what is copied there.

use std::sync::{Mutex, PoisonError};

/// Smaller ones are left to the allocator.
const SMALL: usize = 32 << 10;
/// So much is kept for later.
const KEPT: usize = 32 << 20;

#[derive(Default)]
pub(super) struct Buffers(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    buffers: Vec<Vec<u8>>,
    size: usize,
}

impl Buffers {
    /// An empty one, with room for so many bytes.
    pub(super) fn take(&self, len: usize) -> Vec<u8> {
        if len < SMALL {
            return Vec::with_capacity(len);
        }
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // the last ones are those that are in the cache
        let place = kept.buffers.iter().rposition(|buffer| buffer.capacity() >= len && buffer.capacity() / 4 <= len);
        let Some(buffer) = place.map(|place| kept.buffers.remove(place)) else { return Vec::with_capacity(len) };
        kept.size -= buffer.capacity();
        buffer
    }

    /// Takes one back.
    pub(super) fn give_back(&self, mut buffer: Vec<u8>) {
        if buffer.capacity() < SMALL {
            return;
        }
        buffer.clear();
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.size + buffer.capacity() <= KEPT {
            kept.size += buffer.capacity();
            kept.buffers.push(buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Buffers, KEPT, SMALL};

    #[test]
    fn what_was_given_back_is_used_again() {
        let buffers = Buffers::default();
        buffers.give_back(Vec::with_capacity(SMALL));
        let kept = || buffers.0.lock().expect("no panic").buffers.len();
        let (large, small) = (buffers.take(SMALL * 2), buffers.take(SMALL / 8));
        assert_eq!(kept(), 1, "it is too small for one, and too large for the other");
        assert!(large.capacity() >= SMALL * 2 && small.capacity() < SMALL);
        assert!(buffers.take(SMALL).capacity() >= SMALL);
        assert_eq!(kept(), 0);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let buffers = Buffers::default();
        for _ in 0..3 {
            buffers.give_back(Vec::with_capacity(KEPT / 2));
        }
        assert_eq!(buffers.0.lock().expect("no panic").buffers.len(), 2);
    }
}
