//! Where records lie in a piece of memory, when they are given back in the order in which they were placed.

use std::collections::VecDeque;
use std::ops::Range;

/// Records begin at multiples of this, which is what a processor fetches at once.
const GRAIN: usize = 64;

pub(super) struct Area {
    len: usize,
    /// Where the next record goes, if there is room.
    tail: usize,
    /// The records that are there, the oldest first.
    records: VecDeque<Range<usize>>,
}

impl Area {
    pub(super) fn new(len: usize) -> Self {
        Self { len, tail: 0, records: VecDeque::new() }
    }

    /// Places a record; none if there is no room at present.
    pub(super) fn place(&mut self, len: usize) -> Option<usize> {
        let len = len.next_multiple_of(GRAIN);
        let head = match self.records.front() {
            Some(oldest) => oldest.start,
            None => {
                // from the beginning, again and again: what was used lately is in the cache
                self.tail = 0;
                0
            }
        };
        let start = if self.tail >= head && (self.records.is_empty() || self.tail > head || self.is_one_empty()) {
            match self.len - self.tail {
                left if left >= len => self.tail,
                // a record that ended where the oldest one begins would look as if all were free
                _ if len < head => 0,
                _ => return None,
            }
        } else if len < head - self.tail {
            self.tail
        } else {
            return None;
        };
        self.tail = start + len;
        self.records.push_back(start..self.tail);
        Some(start)
    }

    /// Places a record of `most` bytes, or as many as there is room for if they are `least`; where, and how many.
    pub(super) fn place_some(&mut self, least: usize, most: usize) -> Option<(usize, usize)> {
        let mut len = most;
        loop {
            match self.place(len) {
                Some(offset) => return Some((offset, len)),
                None if len == least => return None,
                None => len = least.max(len / 2),
            }
        }
    }

    /// Gives back the end of the last record.
    pub(super) fn shorten(&mut self, len: usize) {
        if let Some(last) = self.records.back_mut() {
            last.end = last.start + len.next_multiple_of(GRAIN);
            self.tail = last.end;
        }
    }

    /// Whether all records are empty ones.
    fn is_one_empty(&self) -> bool {
        self.records.iter().all(Range::is_empty)
    }

    /// Takes back that the last record was placed.
    pub(super) fn undo(&mut self) {
        if let Some(last) = self.records.pop_back() {
            self.tail = self.records.back().map_or(last.start, |before| before.end);
        }
    }

    /// Gives the oldest record back.
    pub(super) fn give_back(&mut self) {
        self.records.pop_front();
    }
}

#[cfg(test)]
mod tests {
    use super::Area;

    #[test]
    fn records_go_round_and_never_overlap() {
        let mut area = Area::new(1024);
        assert_eq!(area.place(1024), Some(0));
        assert_eq!(area.place(1), None);
        area.give_back();
        assert_eq!((area.place(400), area.place(400)), (Some(0), Some(448)));
        assert_eq!(area.place(400), None);
        area.give_back();
        assert_eq!(area.place(448), None, "it would end where the oldest begins");
        assert_eq!(area.place(380), Some(0));
        assert_eq!(area.place(1), None);
        area.give_back();
        assert_eq!(area.place(500), Some(384));
        area.give_back();
        area.give_back();
        assert_eq!(area.place(1000), Some(0), "when all are free, it begins again");
    }

    #[test]
    fn what_was_taken_back_takes_no_room() {
        let mut area = Area::new(256);
        assert_eq!(area.place(64), Some(0));
        for _ in 0..10 {
            assert_eq!(area.place(192), Some(64));
            area.undo();
        }
        assert_eq!(area.place(192), Some(64));
        area.give_back();
        area.give_back();
        assert_eq!(area.place(256), Some(0));
        area.undo();
        assert_eq!(area.place(256), Some(0));
    }

    #[test]
    fn the_end_of_the_last_record_is_given_back() {
        let mut area = Area::new(512);
        assert_eq!(area.place_some(64, 1024), Some((0, 512)));
        area.shorten(60);
        assert_eq!(area.place_some(64, 512), Some((64, 256)));
        area.shorten(128);
        assert_eq!(area.place_some(321, 321), None);
        assert_eq!(area.place(320), Some(192));
    }

    #[test]
    fn a_record_may_be_empty() {
        let mut area = Area::new(128);
        assert_eq!((area.place(0), area.place(0), area.place(128)), (Some(0), Some(0), Some(0)));
        assert_eq!(area.place(1), None);
    }
}
