//! What a survivor can find that must not be.

/// What of an object is not as it must be after a kill.
#[derive(Debug)]
pub struct Fault {
    /// Which promise is broken.
    pub kind: Kind,
    /// How.
    pub text: String,
}

/// Which promise is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A survivor waits for ever.
    Hang,
    /// What was done is not there, or what must be told is not told.
    Lost,
    /// What is for one is given to two, or what must be told once is told again.
    Doubled,
    /// Half of a change is there, and nobody is told.
    Torn,
    /// Something is kept that nobody uses.
    Leaked,
    /// Something is told that is not so, or a process ended that nobody killed.
    Untrue,
}

impl Kind {
    /// All kinds, with the words for several of each.
    pub const ALL: [(Self, &str); 6] = [
        (Self::Hang, "hangs"),
        (Self::Lost, "lost"),
        (Self::Doubled, "doubled"),
        (Self::Torn, "torn"),
        (Self::Leaked, "leaked"),
        (Self::Untrue, "untrue"),
    ];

    /// Its place among all.
    pub(crate) fn number(self) -> usize {
        Self::ALL.iter().position(|(kind, _)| *kind == self).unwrap_or_default()
    }

    /// A fault of this kind.
    pub fn fault(self, text: impl Into<String>) -> Fault {
        Fault { kind: self, text: text.into() }
    }

    /// A fault of this kind unless `holds`.
    ///
    /// # Errors
    /// The fault.
    pub fn unless(self, holds: bool, text: &str) -> Result<(), Fault> {
        if holds { Ok(()) } else { Err(self.fault(text)) }
    }
}
