//! Data in shared memory: with a lock (`locked`, and its faces `value` and `array`), and without (`raw`).

mod array;
mod locked;
mod raw_array;
mod raw_value;
mod value;

use std::alloc::Layout;

pub use array::Array;
pub use locked::Guard;
pub use raw_array::RawArray;
pub use raw_value::RawValue;
pub use value::Value;

use crate::memory::{MemoryError, What};
use crate::shared::{self, Shared};

/// An object of `count` values of a type.
fn what<T: Shared>(kind: &str, count: usize) -> Result<What, MemoryError> {
    let too_large = |_| MemoryError::TooLarge { size: count.saturating_mul(size_of::<T>()) };
    let layout = shared::Layout::new(kind, count, 1).field("0", 0, T::LAYOUT).hash();
    Ok(What { layout, contents: Layout::array::<T>(count).map_err(too_large)?, count })
}
