//! Why a process could not be started.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

use crate::EncodeError;

/// A process could not be started; none is left behind.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum SpawnError {
    /// A child of this program would not reach its task, but run the program again.
    #[error(
        "carom is not initialised: put `#[carom::main]` on `main`, or call `carom::init()` as its first line; in tests, \
         write `#[carom::test]` instead of `#[test]`"
    )]
    NotInitialised,
    /// This program has privileges that whoever executed it may lack (set-user-id, file capabilities). A
    /// child of it would have to trust its `argv[0]`, and does not.
    #[error("a program with raised privileges (set-user-id or file capabilities) cannot start processes of its own")]
    Privileged,
    /// The input of the task cannot be encoded.
    #[error("the input of task `{task}` cannot be encoded")]
    Encode {
        /// The name of the task.
        task: &'static str,
        /// Why.
        source: EncodeError,
    },
    /// A name, a variable or a path cannot be passed to a program.
    #[error("{what} {fault}: {value:?}")]
    Invalid {
        /// What it was to be.
        what: &'static str,
        /// What is wrong with it.
        fault: &'static str,
        /// The value.
        value: OsString,
    },
    /// The program could not be executed.
    #[error("cannot execute {program:?}")]
    Execute {
        /// The program: this process's own, unless another was asked for.
        program: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// The directory in which the process was to start cannot be entered.
    #[error("cannot start in {directory:?}")]
    Directory {
        /// The directory.
        directory: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// The system refused something else.
    #[error("cannot {action}")]
    Os {
        /// What was tried.
        action: &'static str,
        /// What the kernel said.
        source: io::Error,
    },
}

crate::report::debug_as_report!(SpawnError);
