//! The options of a process, and its start.

use std::collections::BTreeMap;
use std::ffi::{CStr, CString, OsStr, OsString};
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use super::child::{self, Parts};
use super::{Process, SpawnError, current, reaper};
use crate::bootstrap::{self, Body, Header};
use crate::entry::{self, Entry};
use crate::sys::channel::Channel;
use crate::sys::exec::{Exec, Failure, SOCKET_FD, Started};
use crate::sys::{lifeline, stdio, this_process};
use crate::task::Task;
use crate::{AuthKey, current_process};

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
    /// It is carom's own affair, and not listed.
    hidden: bool,
}

/// Starts a process of carom's own, which users do not see among their children.
pub(crate) fn start_hidden<T: Task<Input = I>, I>(name: &str, task: T, input: I) -> Result<Process, SpawnError> {
    Builder { hidden: true, ..Builder::default() }.name(name).daemon(true).spawn(task, input)
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
    pub fn spawn<T: Task<Input = I>, I>(self, _task: T, input: I) -> Result<Process, SpawnError> {
        self.start(T::INFO.name(), |header| {
            bootstrap::body(header, |writer| T::CODEC.input.encode(&input, writer))
                .map_err(|source| SpawnError::Encode { task: T::INFO.name(), source })
        })
    }

    /// All that does not depend on the type of the task.
    fn start(
        self,
        task: &'static str,
        body: impl FnOnce(&Header) -> Result<Body, SpawnError>,
    ) -> Result<Process, SpawnError> {
        let entry = entry::for_child().ok_or(SpawnError::NotInitialised)?;
        if this_process::is_privileged() {
            return Err(SpawnError::Privileged);
        }
        reaper::make_up_for();
        let header = self.header(task)?;
        c_string("the name of the process", header.name.clone().into_bytes())?;
        let body = body(&header)?;
        let program = self.executable.as_deref().unwrap_or(Path::new("/proc/self/exe"));
        if self.executable.is_some() {
            refuse_script(program)?;
        }
        let executable = path_string("the path of the executable", program)?;
        let directory = self.directory.as_deref().map(|path| path_string("the directory", path)).transpose()?;
        let environment = self.environment()?;
        let arguments = entry::arguments(entry, SOCKET_FD);
        let arguments: Vec<&CStr> = arguments.iter().map(CString::as_c_str).collect();
        let (hold, lifeline) = lifeline::pair().map_err(os("make a pipe"))?;
        let (channel, theirs) = Channel::pair().map_err(os("make a socket pair"))?;
        let stdin = stream(self.stdin.as_ref().unwrap_or(&Stdio::Null))?;
        let stdout = stream(&self.stdout)?;
        // a harness prints before the child is diverted: until then it has nowhere to print to
        let (stdout, stdout_later) = match entry {
            Entry::Main => (stdout, None),
            Entry::Test(_) => {
                (stream(&Stdio::Null)?, Some(stdout.unwrap_or(io::stdout().as_fd()).try_clone_to_owned()))
            }
        };
        let stdout_later = stdout_later.transpose().map_err(os("duplicate the standard output"))?;
        bootstrap::send(&channel, body, lifeline.as_fd(), stdout_later.as_ref().map(AsFd::as_fd))
            .map_err(os("send the arguments"))?;
        let exec = Exec {
            program: &executable,
            arguments: &arguments,
            environment: &environment,
            directory: directory.as_deref(),
            stdio: [stdin, stdout, stream(&self.stderr)?],
            socket: theirs.as_fd(),
        };
        let Started { pid, pidfd } = exec.spawn().map_err(|failure| match failure {
            Failure::Process(source) => SpawnError::Os { action: "make a process", source },
            Failure::Directory(source) => {
                SpawnError::Directory { directory: self.directory.clone().unwrap_or_default(), source }
            }
            Failure::Execute(source) => SpawnError::Execute { program: program.to_owned(), source },
        })?;
        let Header { name, daemon, .. } = header;
        let child = child::enter(Parts { pid, name, daemon, hidden: self.hidden, pidfd, channel, lifeline: hold });
        Ok(Process::of(&child))
    }

    fn header(&self, task: &str) -> Result<Header, SpawnError> {
        let lineage = current::next_lineage();
        let own = current_process();
        let authkey = match &self.authkey {
            Some(key) => key,
            None => current::authkey().map_err(os("draw a random key"))?,
        };
        Ok(Header {
            task: task.to_owned(),
            name: self.name.clone().unwrap_or_else(|| format!("Process-{lineage}")),
            lineage,
            daemon: self.daemon.unwrap_or(own.daemon()),
            authkey: authkey.as_bytes().to_vec(),
            parent_pid: own.pid(),
            parent_name: own.name().to_owned(),
        })
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

fn stream(stdio: &Stdio) -> Result<Option<BorrowedFd<'_>>, SpawnError> {
    match stdio {
        Stdio::Inherit => Ok(None),
        Stdio::Null => stdio::null().map(Some).map_err(os("open /dev/null")),
        Stdio::Fd(fd) => Ok(Some(fd.as_fd())),
    }
}

/// The interpreter of a script would drop the marker in `argv[0]`: a program that the script then starts
/// would not know that it is a child, and start its own children again.
fn refuse_script(program: &Path) -> Result<(), SpawnError> {
    let mut start = [0; 2];
    let read = std::fs::File::open(program).and_then(|mut file| file.read_exact(&mut start));
    // what cannot be read is left to exec
    if read.is_ok() && start == *b"#!" {
        let source = io::Error::new(io::ErrorKind::InvalidInput, "it is a script, and not this program");
        return Err(SpawnError::Execute { program: program.to_owned(), source });
    }
    Ok(())
}
