//! Which parts of a range are free.

use std::collections::{BTreeMap, BTreeSet};

/// What starts and lengths are multiples of: a cache line, so that no two objects share one.
pub(super) const GRAIN: u64 = 64;

/// The free parts of a range. A request gets the smallest part that it fits in (best fit), and what is given back is
/// joined with what is free beside it.
pub(super) struct Extents {
    by_start: BTreeMap<u64, u64>,
    by_len: BTreeSet<(u64, u64)>,
    used: u64,
    /// From here on, nothing was ever used.
    fresh: u64,
}

/// A part that was free.
pub(super) struct Taken {
    pub(super) start: u64,
    /// Nobody ever used it.
    pub(super) fresh: bool,
}

impl Extents {
    pub(super) fn new(start: u64, end: u64) -> Self {
        let mut extents = Self { by_start: BTreeMap::new(), by_len: BTreeSet::new(), used: 0, fresh: start };
        extents.insert(start, end - start);
        extents
    }

    /// How much is not free.
    pub(super) fn used(&self) -> u64 {
        self.used
    }

    /// Takes `len` at a multiple of `align`, which is a power of two.
    pub(super) fn take(&mut self, len: u64, align: u64) -> Option<Taken> {
        let fits = |&&(free, start): &&(u64, u64)| start.next_multiple_of(align) - start + len <= free;
        let &(free, from) = self.by_len.range((len, 0)..).find(fits)?;
        let start = from.next_multiple_of(align);
        self.remove(from, free);
        self.insert(from, start - from);
        self.insert(start + len, from + free - (start + len));
        self.used += len;
        let fresh = start >= self.fresh;
        self.fresh = self.fresh.max(start + len);
        Some(Taken { start, fresh })
    }

    /// Gives back what was taken, and tells the free part that it is in now, and the longest one that was joined.
    pub(super) fn give(&mut self, start: u64, len: u64) -> Given {
        self.used -= len;
        let (mut from, mut end, mut longest) = (start, start + len, 0);
        if let Some((&before, &free)) = self.by_start.range(..start).next_back()
            && before + free == start
        {
            self.remove(before, free);
            (from, longest) = (before, free);
        }
        if let Some(&free) = self.by_start.get(&end) {
            self.remove(end, free);
            // what was never used has no memory, and so is no piece that was given back before
            longest = longest.max(free.min(self.fresh.saturating_sub(end)));
            end += free;
        }
        self.insert(from, end - from);
        Given { start: from, end: end.min(self.fresh), longest }
    }

    fn insert(&mut self, start: u64, len: u64) {
        if len > 0 {
            self.by_start.insert(start, len);
            self.by_len.insert((len, start));
        }
    }

    fn remove(&mut self, start: u64, len: u64) {
        self.by_start.remove(&start);
        self.by_len.remove(&(len, start));
    }
}

/// The free part that something given back is in.
pub(super) struct Given {
    pub(super) start: u64,
    /// Its end, without what was never used.
    pub(super) end: u64,
    /// The longest one that was joined, without what was never used.
    pub(super) longest: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    const END: u64 = 1 << 20;

    /// Numbers as from a die, the same each time.
    fn numbers(mut state: u64) -> impl FnMut(u64) -> u64 {
        move |below| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        }
    }

    fn check(extents: &Extents, taken: &BTreeMap<u64, u64>) {
        let mut all: Vec<(u64, u64, bool)> = taken.iter().map(|(&start, &len)| (start, len, true)).collect();
        all.extend(extents.by_start.iter().map(|(&start, &len)| (start, len, false)));
        all.sort_unstable();
        let mut at = GRAIN;
        for pair in all.windows(2) {
            assert!(pair[0].2 || pair[1].2, "two free parts side by side: {pair:?}");
        }
        for (start, len, _) in all {
            assert_eq!(start, at, "parts are adjacent");
            at += len;
        }
        assert_eq!(at, END);
        assert_eq!(extents.used(), taken.values().sum::<u64>());
        assert_eq!(extents.by_len, extents.by_start.iter().map(|(&start, &len)| (len, start)).collect());
    }

    #[test]
    fn taken_and_free_parts_always_make_up_the_whole() {
        let mut number = numbers(7);
        let mut extents = Extents::new(GRAIN, END);
        let mut taken = BTreeMap::new();
        for _ in 0..5000 {
            if number(5) < 3 {
                let (len, align) = ((number(100) + 1) * GRAIN, GRAIN << number(4));
                if let Some(part) = extents.take(len, align) {
                    assert!(part.start.is_multiple_of(align));
                    taken.insert(part.start, len);
                }
            } else if let Some((start, len)) = taken.iter().nth(number(taken.len().max(1) as u64) as usize) {
                let (start, len) = (*start, *len);
                taken.remove(&start);
                extents.give(start, len);
            }
            check(&extents, &taken);
        }
        for (start, len) in std::mem::take(&mut taken) {
            extents.give(start, len);
        }
        check(&extents, &taken);
        assert_eq!(extents.by_start.len(), 1);
    }

    #[test]
    fn what_was_never_used_is_not_told_as_given_back() {
        let mut extents = Extents::new(GRAIN, END);
        let first = extents.take(4 * GRAIN, GRAIN).expect("space");
        let second = extents.take(2 * GRAIN, GRAIN).expect("space");
        let Given { start, end, longest } = extents.give(first.start, 4 * GRAIN);
        assert_eq!((start, end, longest), (first.start, second.start, 0));
        let Given { start, end, longest } = extents.give(second.start, 2 * GRAIN);
        assert_eq!((start, end, longest), (first.start, second.start + 2 * GRAIN, 4 * GRAIN));
    }

    #[test]
    fn what_was_given_back_is_used_before_what_is_fresh() {
        let mut extents = Extents::new(GRAIN, END);
        let first = extents.take(GRAIN, GRAIN).expect("space");
        let second = extents.take(GRAIN, GRAIN).expect("space");
        assert!(first.fresh && second.fresh);
        extents.give(first.start, GRAIN);
        let third = extents.take(GRAIN, GRAIN).expect("space");
        assert_eq!((third.start, third.fresh), (first.start, false));
        assert!(extents.take(END, GRAIN).is_none());
    }
}
