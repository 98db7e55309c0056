//! What errors say to people.

/// The error's message and those of its sources, on one line.
pub(crate) fn report(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// Implements `Debug` by [`report`], because `main` and `unwrap` print errors by `Debug`.
macro_rules! debug_as_report {
    ($error:ty) => {
        impl std::fmt::Debug for $error {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&$crate::report::report(self))
            }
        }
    };
}
pub(crate) use debug_as_report;
