//! How a process ended.

use std::fmt;

use nix::sys::signal::Signal;

use crate::sys::pidfd::Exit;

/// How a process ended: by itself, or by a signal.
#[must_use = "a process that failed says so only here"]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ExitStatus(pub(crate) Exit);

impl ExitStatus {
    /// Whether it ended by itself with code 0.
    pub fn success(self) -> bool {
        self.code() == Some(0)
    }

    /// Success, or the status as an error, for `?`: `process.join()?.exit_ok()?`.
    ///
    /// # Errors
    /// If it ended in any way but by itself with code 0.
    pub fn exit_ok(self) -> Result<(), ExitError> {
        if self.success() { Ok(()) } else { Err(ExitError(self)) }
    }

    /// The exit code, from 0 to 255, if it ended by itself.
    pub fn code(self) -> Option<i32> {
        match self.0 {
            Exit::Code(code) => Some(code),
            Exit::Signal { .. } | Exit::Unknown => None,
        }
    }

    /// The number of the signal that ended it, if one did.
    pub fn signal(self) -> Option<i32> {
        match self.0 {
            Exit::Signal { number, .. } => Some(number),
            Exit::Code(_) | Exit::Unknown => None,
        }
    }

    /// Whether the kernel wrote a core file.
    pub fn core_dumped(self) -> bool {
        matches!(self.0, Exit::Signal { core_dumped: true, .. })
    }

    /// Whether something else in this process has taken the status first: a `waitpid(-1)`, or SIGCHLD is
    /// ignored. The process has ended, but how is not known.
    pub fn is_unknown(self) -> bool {
        self.0 == Exit::Unknown
    }
}

/// A process did not end by itself with code 0; made by [`ExitStatus::exit_ok`].
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the process failed: {0}")]
pub struct ExitError(pub ExitStatus);

crate::report::debug_as_report!(ExitError);

/// `exit code 1`, or `signal 11 (SIGSEGV), core dumped`.
impl fmt::Display for ExitStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Exit::Code(code) => write!(f, "exit code {code}"),
            Exit::Signal { number, core_dumped } => {
                write!(f, "signal {number}")?;
                if let Ok(signal) = Signal::try_from(number) {
                    write!(f, " ({signal})")?;
                }
                f.write_str(if core_dumped { ", core dumped" } else { "" })
            }
            Exit::Unknown => f.write_str("unknown status"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Exit, ExitStatus};

    #[test]
    fn it_reads_as_a_person_would_say_it() {
        let text = |exit| ExitStatus(exit).to_string();
        assert_eq!(text(Exit::Code(3)), "exit code 3");
        assert_eq!(text(Exit::Signal { number: 9, core_dumped: false }), "signal 9 (SIGKILL)");
        assert_eq!(text(Exit::Signal { number: 11, core_dumped: true }), "signal 11 (SIGSEGV), core dumped");
        assert_eq!(text(Exit::Signal { number: 40, core_dumped: false }), "signal 40");
        assert_eq!(text(Exit::Unknown), "unknown status");
    }
}
