//! Permits, and who has them.
//!
//! Each permit that somebody holds is a slot with the holder's name in it, so that to take one, to note who took it, and to give
//! it back when the holder has ended are one exchange of one word each.
//!
//! | slot | |
//! | --- | --- |
//! | 0 | a permit that is free |
//! | a name | held by that process |
//! | `OUT`, and a number that it never had before | no permit: its holder kept it from coming back |
//!
//! Permits that are added beyond the slots are counted in a word of their own, the reserve, from which they move to a slot when they
//! are wanted. A move is announced in that same word, and whoever meets the announcement completes it: so one that was killed
//! in its midst neither loses a permit nor makes two of one. (This is helping, as in lock-free structures of several words.)
//!
//! Waiters sleep one at a time, on the word `sleeping`: who holds the baton, which the others wait for. The caller provides it, as
//! a lock that passes on when its holder is killed.

use super::Who;
use super::turn::Turn;
use crate::atomic::{AtomicU32, AtomicU64, Ordering::SeqCst};

const FREE: u64 = 0;
const OUT: u64 = 1 << 63;

#[repr(C)]
pub(crate) struct Counts {
    /// 1 while the holder of the baton sleeps, or is about to, and nobody has woken it.
    pub(crate) sleeping: AtomicU32,
    /// How many slots there are permits for; it only grows.
    in_play: AtomicU32,
    reserve: AtomicU64,
    /// The number of the last slot that went `OUT`.
    outs: AtomicU32,
    /// How many permits were taken back from processes that had ended.
    recovered: AtomicU32,
    pub(crate) looked: Turn,
}

/// The reserve: how many permits it has, the slot that one of them moves to (1 is the first, 0 is none), and how many have moved, by
/// which a state is told from an equal one later.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Reserve {
    count: u32,
    to: usize,
    moves: u32,
}

impl Reserve {
    const COUNT_BITS: u32 = 28;
    const TO_BITS: u32 = 12;
    const MOVE_BITS: u32 = 24;

    fn of(word: u64) -> Self {
        let part = |shift: u32, bits: u32| (word >> shift) & ((1 << bits) - 1);
        Self {
            count: part(0, Self::COUNT_BITS) as u32,
            to: part(Self::COUNT_BITS, Self::TO_BITS) as usize,
            moves: part(Self::COUNT_BITS + Self::TO_BITS, Self::MOVE_BITS) as u32,
        }
    }

    fn word(self) -> u64 {
        let moves = u64::from(self.moves) & ((1 << Self::MOVE_BITS) - 1);
        u64::from(self.count) | (self.to as u64) << Self::COUNT_BITS | moves << (Self::COUNT_BITS + Self::TO_BITS)
    }
}

/// The most permits that a reserve has.
pub(crate) const MOST: u32 = (1 << Reserve::COUNT_BITS) - 1;
/// So many slots can be moved to.
const REACHED: usize = (1 << Reserve::TO_BITS) - 1;

#[derive(Clone, Copy)]
pub(crate) struct Permits<'a> {
    pub(crate) counts: &'a Counts,
    pub(crate) slots: &'a [AtomicU64],
}

impl Permits<'_> {
    /// Makes that many permits, no more than there are slots, before anybody else knows of them.
    pub(crate) fn begin(self, permits: u32) {
        self.counts.in_play.store(permits, SeqCst);
    }

    /// Takes the permit of that slot, if it is free. This is what mostly happens, and all that is to be quick.
    #[inline]
    pub(crate) fn take_at(self, slot: usize, me: Who) -> bool {
        self.slots.get(slot).is_some_and(|free| slot < self.in_play() && Self::exchange(free, me))
    }

    #[inline]
    fn exchange(slot: &AtomicU64, me: Who) -> bool {
        slot.load(SeqCst) == FREE && slot.compare_exchange(FREE, me, SeqCst, SeqCst).is_ok()
    }

    /// Takes a permit, and gives its slot.
    #[cold]
    pub(crate) fn take(self, me: Who) -> Option<usize> {
        loop {
            let taken = self.slots[..self.in_play()].iter().position(|slot| Self::exchange(slot, me));
            if taken.is_some() || !self.refill() {
                return taken;
            }
        }
    }

    /// Gives a permit back that the caller holds; whether the one who [sleeps](Counts::sleeping) is to be woken.
    #[inline]
    pub(crate) fn give(self, slot: usize) -> bool {
        self.slots[slot].swap(FREE, SeqCst);
        self.wakes()
    }

    /// Keeps a permit that the caller holds from coming back; whether the one who sleeps is to be woken, because one of the reserve
    /// can have the slot now.
    pub(crate) fn keep(self, slot: usize) -> bool {
        // Before the slot is `OUT` again: whoever completes the move by which it had been freed would free it once more.
        // (No other move to it begins, as long as it is neither `OUT` nor new.)
        self.settle();
        let number = self.counts.outs.fetch_add(1, SeqCst);
        self.slots[slot].store(OUT | u64::from(number), SeqCst);
        self.wakes()
    }

    /// Takes back that a permit was kept, if there is such a one; whether the one who sleeps is to be woken. Permits of which some are
    /// restored are never [added](Self::add) to: a move from the reserve counts on it that only itself fills a slot that is `OUT`.
    pub(crate) fn restore(self) -> Option<bool> {
        self.slots[..self.in_play()].iter().find(|slot| self.is_vacated(slot))?;
        Some(self.wakes())
    }

    fn is_vacated(self, slot: &AtomicU64) -> bool {
        let word = slot.load(SeqCst);
        word & OUT != 0 && slot.compare_exchange(word, FREE, SeqCst, SeqCst).is_ok()
    }

    /// Adds permits to the reserve; whether the one who sleeps is to be woken, or none if they would be too many.
    pub(crate) fn add(self, permits: u32) -> Option<bool> {
        let mut word = self.counts.reserve.load(SeqCst);
        loop {
            let reserve = Reserve::of(word);
            let count = reserve.count.checked_add(permits).filter(|count| *count <= MOST)?;
            match self.counts.reserve.compare_exchange(word, Reserve { count, ..reserve }.word(), SeqCst, SeqCst) {
                Ok(_) => return Some(self.wakes()),
                Err(now) => word = now,
            }
        }
    }

    /// Moves a permit of the reserve to a slot; false if there is none, or no slot for it.
    fn refill(self) -> bool {
        let mut word = self.counts.reserve.load(SeqCst);
        loop {
            let reserve = Reserve::of(word);
            if reserve.to != 0 {
                self.complete(word);
                // another process has written it, and nobody can complete that
                return reserve.to <= self.slots.len();
            }
            if reserve.count == 0 {
                return false;
            }
            let Some(slot) = self.vacancy() else { return false };
            let moving = Reserve { count: reserve.count - 1, to: slot + 1, moves: reserve.moves + 1 }.word();
            match self.counts.reserve.compare_exchange(word, moving, SeqCst, SeqCst) {
                Ok(_) => {
                    self.complete(moving);
                    return true;
                }
                Err(now) => word = now,
            }
        }
    }

    /// A slot for a permit of the reserve.
    fn vacancy(self) -> Option<usize> {
        let in_play = self.in_play();
        let out = self.slots[..in_play.min(REACHED)].iter().position(|slot| slot.load(SeqCst) & OUT != 0);
        out.or_else(|| (in_play < self.slots.len().min(REACHED)).then_some(in_play))
    }

    /// Completes the move that is announced at this instant, if one is.
    fn settle(self) {
        let word = self.counts.reserve.load(SeqCst);
        if Reserve::of(word).to != 0 {
            self.complete(word);
        }
    }

    /// Completes the move that the reserve announces, if it still does.
    fn complete(self, announced: u64) {
        let Reserve { to, moves, .. } = Reserve::of(announced);
        // another process has written it
        let Some(slot) = to.checked_sub(1).and_then(|slot| self.slots.get(slot)) else { return };
        loop {
            let played = self.counts.in_play.load(SeqCst);
            let found = slot.load(SeqCst);
            let word = self.counts.reserve.load(SeqCst);
            let reserve = Reserve::of(word);
            // what was read is of this move only if it is not over yet
            if (reserve.to, reserve.moves) != (to, moves) {
                return;
            }
            if (played as usize) < to {
                let _ = self.counts.in_play.compare_exchange(played, to as u32, SeqCst, SeqCst);
            } else if found & OUT != 0 {
                let _ = slot.compare_exchange(found, FREE, SeqCst, SeqCst);
            } else {
                let _ = self.counts.reserve.compare_exchange(word, Reserve { to: 0, ..reserve }.word(), SeqCst, SeqCst);
            }
        }
    }

    /// Frees the permits of processes that have ended; whether the one who sleeps is to be woken.
    pub(crate) fn recover(self, me: Who, has_ended: impl Fn(Who) -> bool) -> bool {
        let (mut alive, mut freed) = (me, false);
        for slot in &self.slots[..self.in_play()] {
            let holder = slot.load(SeqCst);
            if holder == FREE || holder & OUT != 0 || holder == alive {
                continue;
            }
            if !has_ended(holder) {
                alive = holder;
            } else if slot.compare_exchange(holder, FREE, SeqCst, SeqCst).is_ok() {
                self.counts.recovered.fetch_add(1, SeqCst);
                freed = true;
            }
        }
        freed && self.wakes()
    }

    /// Says that the caller, which holds the baton, is about to sleep. It then looks again for a permit.
    pub(crate) fn announce(self) {
        self.counts.sleeping.store(1, SeqCst);
    }

    /// Takes that back.
    pub(crate) fn awake(self) {
        self.counts.sleeping.store(0, SeqCst);
    }

    #[inline]
    fn wakes(self) -> bool {
        self.counts.sleeping.load(SeqCst) != 0 && self.counts.sleeping.swap(0, SeqCst) != 0
    }

    /// How many are free.
    pub(crate) fn available(self) -> u32 {
        self.settle();
        let free = self.slots[..self.in_play()].iter().filter(|slot| slot.load(SeqCst) == FREE).count();
        free as u32 + Reserve::of(self.counts.reserve.load(SeqCst)).count
    }

    /// Who holds them, once for each permit.
    pub(crate) fn holders(self) -> impl Iterator<Item = Who> {
        let words = self.slots[..self.in_play()].iter().map(|slot| slot.load(SeqCst));
        words.filter(|word| *word != FREE && word & OUT == 0)
    }

    /// How many permits were freed because their holder had ended.
    pub(crate) fn recovered(self) -> u32 {
        self.counts.recovered.load(SeqCst)
    }

    #[inline]
    fn in_play(self) -> usize {
        // another process has written it
        (self.counts.in_play.load(SeqCst) as usize).min(self.slots.len())
    }
}
