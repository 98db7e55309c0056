//! Random numbers that can be had again, by SplitMix64.

/// Where a row of random numbers has come to.
pub struct Seed(pub u64);

impl Seed {
    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, which is small.
    pub fn below(&mut self, end: u64) -> u64 {
        self.number() % end
    }
}
