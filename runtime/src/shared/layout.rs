//! A type's layout as a number that two programs can compare.

/// A hash over the names, sizes, offsets and types of everything in a type (64-bit FNV-1a).
///
/// It tells mistakes apart, not attackers: who can write to the memory can write the hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout(u64);

impl Layout {
    /// A type of this name without fields.
    pub const fn new(name: &str, size: usize, align: usize) -> Self {
        Self(0xcbf2_9ce4_8422_2325).text(name).number(size).number(align)
    }

    /// With a field; for an enum, `name` is the variant's and the field's, for its discriminants the variant's alone.
    pub const fn field(self, name: &str, offset: usize, layout: Self) -> Self {
        self.text(name).number(offset).bytes(&layout.0.to_le_bytes())
    }

    /// All of it but the highest bit, which is for other purposes.
    pub(crate) const fn hash(self) -> u64 {
        self.0 & !(1 << 63)
    }

    const fn text(self, text: &str) -> Self {
        // with its length, so that "ab", "c" is not "a", "bc"
        self.number(text.len()).bytes(text.as_bytes())
    }

    const fn number(self, number: usize) -> Self {
        self.bytes(&(number as u64).to_le_bytes())
    }

    const fn bytes(mut self, bytes: &[u8]) -> Self {
        let mut i = 0;
        while i < bytes.len() {
            self.0 = (self.0 ^ bytes[i] as u64).wrapping_mul(0x0000_0100_0000_01b3);
            i += 1;
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::Layout;
    use crate::shared::Shared;

    #[test]
    fn what_differs_in_layout_differs_in_hash() {
        let point = Layout::new("Point", 8, 4).field("x", 0, f32::LAYOUT);
        let others = [
            Layout::new("Paint", 8, 4).field("x", 0, f32::LAYOUT),
            Layout::new("Point", 16, 4).field("x", 0, f32::LAYOUT),
            Layout::new("Point", 8, 8).field("x", 0, f32::LAYOUT),
            Layout::new("Point", 8, 4).field("y", 0, f32::LAYOUT),
            Layout::new("Point", 8, 4).field("x", 4, f32::LAYOUT),
            Layout::new("Point", 8, 4).field("x", 0, u32::LAYOUT),
        ];
        assert!(others.iter().all(|other| *other != point));
        assert_ne!(<[u8; 3]>::LAYOUT, <[u8; 4]>::LAYOUT);
        assert_eq!(point, Layout::new("Point", 8, 4).field("x", 0, f32::LAYOUT));
    }
}
