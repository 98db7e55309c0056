//! What to write in place of well-known types that cannot lie in shared memory.
//!
//! The macros know a type by its name alone, and a program may have a `Cell` or a `File` of its own that is shared. So a
//! name only chooses the words: each of these traits is implemented by all that is [`Shared`], and differs from the
//! others in what is said if a type is not.

use super::Shared;
use super::field::{Field, field};

macro_rules! advice {
    ($($(#[$doc:meta])* $name:ident: $message:literal, $label:literal $(, $note:literal)?;)*) => {$(
        $(#[$doc])*
        #[diagnostic::on_unimplemented(message = $message, label = $label $(, note = $note)?)]
        pub trait $name {
            /// What is known of a field of this type.
            const FIELD: Field;
        }
        #[diagnostic::do_not_recommend]
        impl<T: Shared> $name for T {
            const FIELD: Field = field::<T>();
        }
    )*};
}

advice! {
    /// Is worded for strings.
    Text: "`{Self}` cannot lie in shared memory: its text is in the memory of one process",
        "write `carom::ShString<N>`, which holds up to `N` bytes in place";
    /// Is worded for lists.
    List: "`{Self}` cannot lie in shared memory: its items are in the memory of one process",
        "write an array `[T; N]`, or put a `carom::Array` beside it";
    /// Is worded for maps and sets.
    Map: "`{Self}` cannot lie in shared memory: its entries are in the memory of one process",
        "write an array, or keep the map in one process that the others ask";
    /// Is worded for boxes and their like.
    Owner: "`{Self}` cannot lie in shared memory: what it points to is in the memory of one process",
        "write the type of the value itself";
    /// Is worded for pointers.
    Address: "`{Self}` cannot lie in shared memory: an address means nothing in another process",
        "write an index, or a distance in bytes";
    /// Is worded for cells and locks.
    Guard: "`{Self}` cannot lie in shared memory: it guards its value within one process only",
        "write the type of the value itself, or an atomic",
        "`carom::Value` and `carom::Array` have a lock for all processes; a type of your own needs `#[carom::shared]`";
    /// Is worded for `Option` and `Result`.
    Choice: "`{Self}` cannot lie in shared memory: its layout is not fixed",
        "write an enum of your own under `#[carom::shared]`";
    /// Is worded for durations and times.
    Time: "`{Self}` cannot lie in shared memory: its layout is not fixed",
        "write a number, such as a `u64` of nanoseconds",
        "a type of your own needs `#[carom::shared]`";
    /// Is worded for files and sockets.
    Handle: "`{Self}` cannot lie in shared memory: its number means nothing in another process",
        "send it through a pipe, as a `carom::Fd<T>`",
        "a type of your own needs `#[carom::shared]`";
}
