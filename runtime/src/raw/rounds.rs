//! Rounds, each of which is over when all parties have arrived, or broken.
//!
//! All but [`look`](Rounds::look) is done by one process at a time, under a lock of the caller's. One that ends while it holds that
//! lock breaks the round; so whatever it left half-way is not used any more.
//!
//! | `word` | |
//! | --- | --- |
//! | a number, 0 | the round with that number: those who have arrived sleep on the word |
//! | a number, `BROKEN` | it is broken, and stays so until it is [reset](Rounds::reset) |
//! | a later number | the round was over, or was reset: then it is the one that `resets` tells of |
//!
//! Who has arrived is noted in slots, of which there are two for each party: those of even and of odd rounds. A round ends by one
//! store, of the next number, before which the slots of the next round are emptied; so nobody has to leave in time. Who leaves says so
//! beside its slot, by the number of the round: so one that was killed before it left is known in the next round, which it will not
//! come to.

use super::Who;
use super::turn::Turn;
use crate::atomic::{AtomicU32, AtomicU64, Ordering::SeqCst};

const BROKEN: u32 = 1;
/// From a round to the next.
const ONE: u32 = 2;

#[repr(C)]
pub(crate) struct Round {
    pub(crate) word: AtomicU32,
    /// Why it was broken: whatever the caller notes.
    why: AtomicU64,
    /// How often it was reset, and which round that was the last time.
    resets: AtomicU64,
    /// For how long a party waits if it does not say, in nanoseconds; 0 is for ever.
    pub(crate) patience: AtomicU64,
    pub(crate) looked: Turn,
}

#[derive(Clone, Copy)]
pub(crate) struct Rounds<'a> {
    pub(crate) round: &'a Round,
    /// [`SLOTS`] for each party: who has arrived in even rounds, and in odd ones; then which round they left last.
    pub(crate) slots: &'a [AtomicU64],
}

pub(crate) const SLOTS: usize = 4;

/// That a party has arrived.
#[derive(Clone, Copy)]
pub(crate) struct Arrived {
    /// How many had before.
    pub(crate) index: usize,
    /// The word to sleep on is this.
    pub(crate) word: u32,
    resets: u64,
}

/// What became of a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Others have not arrived yet.
    Pending,
    Over,
    /// Why is what the one who broke it noted.
    Broken(u64),
    Reset,
}

/// Why a party cannot arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// All have arrived, and the last one has not ended the round yet; it has when the word is not this any more.
    Full(u32),
    /// Why is what the one who broke it noted.
    Broken(u64),
}

impl Rounds<'_> {
    /// Arrives.
    pub(crate) fn arrive(self, me: Who) -> Result<Arrived, Refusal> {
        let word = self.round.word.load(SeqCst);
        if word & BROKEN != 0 {
            return Err(Refusal::Broken(self.round.why.load(SeqCst)));
        }
        let slots = self.slots_of(word);
        let index = slots.iter().position(|slot| slot.load(SeqCst) == 0).ok_or(Refusal::Full(word))?;
        slots[index].store(me, SeqCst);
        Ok(Arrived { index, word, resets: self.round.resets.load(SeqCst) })
    }

    /// Whether this party was the last one, which has to [end](Self::end) the round.
    pub(crate) fn is_last(self, arrived: Arrived) -> bool {
        arrived.index + 1 == self.slots_of(arrived.word).len()
    }

    /// Ends the round in which the caller has arrived, if it still can; those who sleep on the word are to be woken.
    pub(crate) fn end(self, arrived: Arrived) -> Outcome {
        let outcome = self.look(arrived);
        if outcome == Outcome::Pending {
            self.next();
            return Outcome::Over;
        }
        outcome
    }

    /// Looks what became of it. This may be done without the lock.
    pub(crate) fn look(self, arrived: Arrived) -> Outcome {
        let word = self.round.word.load(SeqCst);
        if word == arrived.word {
            return Outcome::Pending;
        }
        if word == arrived.word | BROKEN {
            return Outcome::Broken(self.round.why.load(SeqCst));
        }
        let resets = self.round.resets.load(SeqCst);
        match (resets >> 32).wrapping_sub(arrived.resets >> 32) {
            0 => Outcome::Over,
            1 if resets as u32 != arrived.word => Outcome::Over,
            // when there were several, it is not known which one it was
            _ => Outcome::Reset,
        }
    }

    /// Leaves a round that is over. This may be done without the lock, and at any time.
    pub(crate) fn leave(self, arrived: Arrived) {
        let round = Self::left_in(arrived.word);
        // one that is slow must not hide that others have left later ones
        let later = |last: u64| (last == 0 || (round as u32).wrapping_sub(last as u32) as i32 > 0).then_some(round);
        let _ = self.left_of(arrived.word)[arrived.index].fetch_update(SeqCst, SeqCst, later);
    }

    /// Breaks the round, if it is not broken; those who sleep on the word are to be woken.
    pub(crate) fn break_up(self, why: u64) {
        let word = self.round.word.load(SeqCst);
        if word & BROKEN == 0 {
            self.round.why.store(why, SeqCst);
            self.round.word.store(word | BROKEN, SeqCst);
        }
    }

    /// Begins a new round; those who sleep on the word are to be woken, and told that theirs was reset.
    pub(crate) fn reset(self) {
        let round = self.round.word.load(SeqCst) & !BROKEN;
        let resets = (self.round.resets.load(SeqCst) >> 32).wrapping_add(1) << 32;
        self.round.resets.store(resets | u64::from(round), SeqCst);
        // those who have not left the last one are forgotten
        self.slots_of(round).iter().for_each(|slot| slot.store(0, SeqCst));
        self.next();
    }

    fn next(self) {
        let next = (self.round.word.load(SeqCst) & !BROKEN).wrapping_add(ONE);
        self.slots_of(next).iter().for_each(|slot| slot.store(0, SeqCst));
        self.round.word.store(next, SeqCst);
    }

    /// Who has arrived in this round and waits. This may be done without the lock.
    pub(crate) fn waiting(self) -> impl Iterator<Item = Who> {
        let word = self.round.word.load(SeqCst);
        let slots = if self.is_broken() { &[] } else { self.slots_of(word) };
        slots.iter().map(|slot| slot.load(SeqCst)).filter(|who| *who != 0)
    }

    /// Who arrived in the round before, and has not left it. This may be done without the lock, and then tells of another round if one
    /// ends meanwhile.
    pub(crate) fn not_left(self) -> impl Iterator<Item = Who> {
        let before = (self.round.word.load(SeqCst) & !BROKEN).wrapping_sub(ONE);
        let slots = self.slots_of(before).iter().zip(self.left_of(before));
        let stays = move |(_, left): &(_, &AtomicU64)| left.load(SeqCst) != Self::left_in(before);
        slots.filter(stays).map(|(slot, _)| slot.load(SeqCst)).filter(|who| *who != 0)
    }

    pub(crate) fn is_broken(self) -> bool {
        self.round.word.load(SeqCst) & BROKEN != 0
    }
}

impl<'a> Rounds<'a> {
    fn slots_of(self, word: u32) -> &'a [AtomicU64] {
        self.quarter(usize::from(word & ONE != 0))
    }

    fn left_of(self, word: u32) -> &'a [AtomicU64] {
        self.quarter(2 + usize::from(word & ONE != 0))
    }

    fn quarter(self, number: usize) -> &'a [AtomicU64] {
        let parties = self.slots.len() / SLOTS;
        &self.slots[number * parties..][..parties]
    }

    /// What stands for a round that was left, which is not zero.
    fn left_in(word: u32) -> u64 {
        u64::from(word & !BROKEN) | 1 << 32
    }
}
