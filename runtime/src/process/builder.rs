//! The options of a process, and its start.

use std::collections::BTreeMap;
use std::ffi::{CStr, CString, OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use super::child::Parts;
use super::{Process, children, current};
use crate::bootstrap::{self, Header};
use crate::reentry::{self, Entry};
use crate::sys::channel::Channel;
use crate::sys::exec::{Exec, SOCKET_FD};
use crate::sys::{lifeline, pidfd, stdio};
use crate::task::Task;
use crate::{AuthKey, EncodeError, current_process};

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

crate::error::debug_as_report!(SpawnError);

/// For `map_err` of a system call.
fn os(action: &'static str) -> impl FnOnce(io::Error) -> SpawnError {
    move |source| SpawnError::Os { action, source }
}

/// What becomes of a standard stream in a child.
///
/// Anything that becomes an `OwnedFd` becomes one of these: a `File`, a socket, an end of [`std::io::pipe`].
/// (A `std::process::Stdio` does not: std gives no access to what it holds.)
#[derive(Debug, Default)]
#[non_exhaustive]
pub enum Stdio {
    /// It is that of the parent.
    #[default]
    Inherit,
    /// Reads find the end at once; writes go nowhere.
    Null,
    /// It is this descriptor: a file, a pipe, a socket.
    Fd(OwnedFd),
}

impl<T: Into<OwnedFd>> From<T> for Stdio {
    fn from(fd: T) -> Self {
        Stdio::Fd(fd.into())
    }
}

/// Options for a process; [`Process::builder`] makes one.
///
/// ```standalone_crate
/// use carom::Process;
///
/// #[carom::task]
/// fn show() {
///     assert_eq!(std::env::var("LANG").as_deref(), Ok("C"));
///     assert_eq!(carom::current_process().name(), "shower");
/// }
///
/// #[carom::main]
/// fn main() -> carom::Result<()> {
///     let process = Process::builder().name("shower").env("LANG", "C").current_dir("/").spawn(show, ())?;
///     assert!(process.join()?.success());
///     Ok(())
/// }
/// ```
#[derive(Debug, Default)]
#[must_use = "a builder does nothing until `spawn`"]
pub struct Builder {
    name: Option<String>,
    daemon: Option<bool>,
    clear_environment: bool,
    /// What differs from the parent's environment; none removes.
    environment: BTreeMap<OsString, Option<OsString>>,
    directory: Option<PathBuf>,
    executable: Option<PathBuf>,
    authkey: Option<AuthKey>,
    stdin: Option<Stdio>,
    stdout: Stdio,
    stderr: Stdio,
}

impl Builder {
    /// Its name, in place of `Process-N`; the kernel shows the first 15 bytes as the name of the process.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Whether it is ended, and not waited for, when this program ends: it gets SIGTERM, and two seconds
    /// later SIGKILL. Without this, it is what the current process is; the main process is not daemonic.
    pub fn daemon(mut self, daemon: bool) -> Self {
        self.daemon = Some(daemon);
        self
    }

    /// Sets a variable in its environment, which is otherwise a copy of this process's.
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.environment.insert(name.into(), Some(value.into()));
        self
    }

    /// Leaves a variable out of its environment.
    pub fn env_remove(mut self, name: impl Into<OsString>) -> Self {
        self.environment.insert(name.into(), None);
        self
    }

    /// Leaves all variables out that have not been set by [`env`](Self::env).
    pub fn env_clear(mut self) -> Self {
        self.clear_environment = true;
        self.environment.clear();
        self
    }

    /// The directory in which it starts.
    pub fn current_dir(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = Some(directory.into());
        self
    }

    /// The executable, in place of the one that this process runs. It must be the same build, or it refuses
    /// and [`Process::join`] says so. Useful where `/proc` is not mounted.
    #[doc(alias = "set_executable")]
    pub fn executable(mut self, path: impl Into<PathBuf>) -> Self {
        self.executable = Some(path.into());
        self
    }

    /// The key that it shares with its own children, in place of this process's.
    pub fn authkey(mut self, key: AuthKey) -> Self {
        self.authkey = Some(key);
        self
    }

    /// Its standard input: `/dev/null` unless said otherwise, so that it does not compete for this process's.
    pub fn stdin(mut self, stdin: impl Into<Stdio>) -> Self {
        self.stdin = Some(stdin.into());
        self
    }

    /// Its standard output, by default this process's.
    pub fn stdout(mut self, stdout: impl Into<Stdio>) -> Self {
        self.stdout = stdout.into();
        self
    }

    /// Its standard error, by default this process's.
    pub fn stderr(mut self, stderr: impl Into<Stdio>) -> Self {
        self.stderr = stderr.into();
        self
    }

    /// Starts the process; see [`Process::spawn`].
    ///
    /// # Errors
    /// As [`Process::spawn`], and if an option is not valid.
    pub fn spawn<T: Task>(self, _task: T, input: T::Input) -> Result<Process, SpawnError> {
        self.start(T::INFO.name(), |header| {
            bootstrap::body(header, |writer| T::encode(&input, writer))
                .map_err(|source| SpawnError::Encode { task: T::INFO.name(), source })
        })
    }

    /// All that does not depend on the type of the task.
    fn start(
        self,
        task: &'static str,
        body: impl FnOnce(&Header) -> Result<Vec<u8>, SpawnError>,
    ) -> Result<Process, SpawnError> {
        let entry = reentry::entry().ok_or(SpawnError::NotInitialised)?;
        if current::is_child() {
            // no thread reaps here (see `reaper`)
            children::reap_unheld();
        }
        let header = self.header(task);
        c_string("the name of the process", header.name.clone().into_bytes())?;
        let body = body(&header)?;
        let program = self.executable.as_deref().unwrap_or(Path::new("/proc/self/exe"));
        let executable = path_string("the path of the executable", program)?;
        let directory = self.directory.as_deref().map(|path| path_string("the directory", path)).transpose()?;
        let environment = self.environment()?;
        let arguments = reentry::arguments(entry, SOCKET_FD);
        let arguments: Vec<&CStr> = arguments.iter().map(CString::as_c_str).collect();
        let null = stdio::null().map_err(os("open /dev/null"))?;
        let stream = |stdio| stream(stdio, null);

        let (hold, lifeline) = lifeline::pair().map_err(os("make a pipe"))?;
        let (channel, theirs) = Channel::pair().map_err(os("make a socket pair"))?;
        // a harness prints before the child is diverted: until then it has nowhere to print to
        let (stdout_at_first, stdout_later) = match entry {
            Entry::Main => (stream(&self.stdout), None),
            Entry::Test(_) => {
                (Some(null), Some(stream(&self.stdout).unwrap_or(io::stdout().as_fd()).try_clone_to_owned()))
            }
        };
        let stdout_later = stdout_later.transpose().map_err(os("duplicate the standard output"))?;
        bootstrap::send(&channel, &body, lifeline.as_fd(), stdout_later.as_ref().map(AsFd::as_fd))
            .map_err(os("send the arguments"))?;
        let exec = Exec {
            program: &executable,
            arguments: &arguments,
            environment: &environment,
            directory: directory.as_deref(),
            stdio: [stream(self.stdin.as_ref().unwrap_or(&Stdio::Null)), stdout_at_first, stream(&self.stderr)],
            socket: theirs.as_fd(),
        };
        let pid = exec.spawn().map_err(|source| match &self.directory {
            // one error number stands for both
            Some(directory) if !directory.is_dir() => SpawnError::Directory { directory: directory.clone(), source },
            _ => SpawnError::Execute { program: program.to_owned(), source },
        })?;
        let pidfd = pidfd::open(pid).map_err(os("open a descriptor of the process"))?;
        let Header { name, daemon, .. } = header;
        let child = children::enter(Parts { pid, name, daemon, pidfd, channel, lifeline: hold });
        Ok(Process::of(&child))
    }

    fn header(&self, task: &str) -> Header {
        let lineage = current::next_lineage();
        let own = current_process();
        Header {
            task: task.to_owned(),
            name: self.name.clone().unwrap_or_else(|| format!("Process-{lineage}")),
            lineage,
            daemon: self.daemon.unwrap_or(own.daemon()),
            authkey: self.authkey.as_ref().unwrap_or_else(|| own.authkey()).as_bytes().to_vec(),
            parent_pid: own.pid(),
            parent_name: own.name().to_owned(),
        }
    }

    /// The child's environment as `NAME=value` strings.
    fn environment(&self) -> Result<Vec<CString>, SpawnError> {
        let inherited = if self.clear_environment { None } else { Some(std::env::vars_os()) };
        let kept = inherited.into_iter().flatten().filter(|(name, _)| !self.environment.contains_key(name));
        let set = self.environment.iter().filter_map(|(name, value)| Some((name.clone(), value.clone()?)));
        let variable = |(name, value): (OsString, OsString)| {
            // a name may begin with `=`, as std allows
            if name.is_empty() || name.as_bytes()[1..].contains(&b'=') {
                let fault = "has an empty name, or one that contains `=`";
                return Err(SpawnError::Invalid { what: "an environment variable", fault, value: name });
            }
            let mut bytes = name.into_vec();
            bytes.push(b'=');
            bytes.extend_from_slice(value.as_bytes());
            c_string("an environment variable", bytes)
        };
        kept.chain(set).map(variable).collect()
    }
}

fn c_string(what: &'static str, bytes: Vec<u8>) -> Result<CString, SpawnError> {
    let fault = "contains a NUL byte";
    CString::new(bytes).map_err(|error| SpawnError::Invalid {
        what,
        fault,
        value: OsString::from_vec(error.into_vec()),
    })
}

fn path_string(what: &'static str, path: &Path) -> Result<CString, SpawnError> {
    c_string(what, OsStr::as_bytes(path.as_os_str()).to_vec())
}

fn stream<'a>(stdio: &'a Stdio, null: BorrowedFd<'a>) -> Option<BorrowedFd<'a>> {
    match stdio {
        Stdio::Inherit => None,
        Stdio::Null => Some(null),
        Stdio::Fd(fd) => Some(fd.as_fd()),
    }
}
