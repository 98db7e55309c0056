//! The key by which the processes of one program know each other.

use std::fmt;

/// A secret that a process inherits from its parent; the main process draws 32 random bytes.
///
/// It never stands in an argument, an environment variable or a `Debug` text: it goes to a child
/// through the child's own socket.
#[derive(Clone, PartialEq, Eq)]
pub struct AuthKey(Vec<u8>);

impl AuthKey {
    /// A key of the user's own.
    ///
    /// # Panics
    /// If it is empty: that would let everybody in.
    #[track_caller]
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        assert!(!bytes.is_empty(), "an authentication key cannot be empty");
        Self(bytes)
    }

    /// An error where the kernel's generator is forbidden.
    pub(crate) fn random() -> std::io::Result<Self> {
        let mut bytes = vec![0; 32];
        getrandom::fill(&mut bytes).map_err(std::io::Error::other)?;
        Ok(Self(bytes))
    }

    /// The secret itself.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for AuthKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AuthKey({} bytes)", self.0.len())
    }
}
