//! A worker: a process that answers one request after another.

use std::io::Write;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use super::PoolError;
use super::batch::{Batch, refusal};
use super::panics;
use crate::connection::{Connection, RecvError, SendError, Untyped, pipe};
use crate::memory;
use crate::process::{ExitStatus, Process};
use crate::registry;
use crate::sys::{signals, wait};

/// The task that a worker is.
///
/// It first sends an empty message, to say that it is ready.
#[carom::task]
fn serve(requests: Connection) {
    signals::leave_the_terminals_group();
    panics::watch();
    let patience = || wait::writable(&requests).map_err(SendError::Io);
    let mut memory = Vec::new();
    if requests.send_message(&[], &[], &patience).is_err() {
        return;
    }
    loop {
        let answered = requests.receive_message(|request, fds| answer(request, fds, std::mem::take(&mut memory)));
        let (reply, fds) = match answered {
            Ok(answered) => answered,
            Err(RecvError::DescriptorsLost) => {
                (refusal("its request came with descriptors that it may not open"), vec![])
            }
            // the end of the requests is the end of the worker
            Err(_) => return,
        };
        // a worker may be killed when it has answered; a closed or full output is the task's own affair
        let _ = std::io::stdout().flush();
        if requests.send_message(&reply, &fds, &patience).is_err() {
            return;
        }
        if !fds.is_empty() {
            drop(fds);
            memory::sent();
        }
        if reply.capacity() <= KEPT {
            memory = reply;
            memory.clear();
        }
    }
}

/// Runs the calls of a request; the reply, and the descriptors that go with it.
fn answer(request: &[u8], fds: Vec<OwnedFd>, reply: Vec<u8>) -> (Vec<u8>, Vec<OwnedFd>) {
    let mut batch = Batch::new(request, fds, reply);
    let task = batch.open().and_then(|name| {
        registry::find_quickly(&name).ok_or_else(|| {
            format!("no task is named `{name}` in the worker; if a crate that nothing names defines it, write `use that_crate as _;`")
        })
    });
    match task {
        Ok(task) => (task.run)(&mut batch),
        Err(reason) => batch.refuse(&reason),
    }
    batch.into_reply()
}

/// Memory for replies that has grown beyond this is not kept.
const KEPT: usize = 4 << 20;

/// How long a process may take from the end of its connection to its own.
const MOMENT: Duration = Duration::from_secs(1);

/// The pool's side of a worker.
pub(super) struct Worker {
    pub(super) process: Process,
    /// None once it has been ended.
    connection: Option<Connection>,
}

/// Why there will be no reply.
pub(super) enum Gone {
    /// The worker ended, and all that it had sent has been received.
    Ended,
    /// It goes on, but has closed its connection.
    Left,
}

impl Worker {
    /// Starts one, which will not be ready at once.
    pub(super) fn start(name: String) -> Result<Self, PoolError> {
        let os = |source| PoolError::Os { action: "make a pipe", source };
        let (connection, theirs) = pipe::<Untyped, Untyped>().map_err(os)?;
        let process = Process::builder().name(name).daemon(true).spawn(serve, theirs)?;
        Ok(Self { process, connection: Some(connection) })
    }

    /// Waits until it is ready; where it ends instead, says why.
    pub(super) fn ready(&self) -> Result<(), PoolError> {
        match self.reply() {
            Ok(_) => Ok(()),
            Err(Gone::Ended) => Err(PoolError::Ended { status: self.process.join()? }),
            Err(Gone::Left) => {
                // one that cannot be killed has ended
                let _ = self.process.kill();
                Err(PoolError::Ended { status: self.process.join()? })
            }
        }
    }

    /// Sends a request, and waits while there is no room for it.
    pub(super) fn request(&self, bytes: &[u8], fds: &[OwnedFd]) -> Result<(), SendError> {
        let connection = self.connection.as_ref().ok_or(SendError::Disconnected)?;
        connection.send_message(bytes, fds, &|| match wait::writable_or_ended(connection, &self.process)
            .map_err(SendError::Io)?
        {
            true => Ok(()),
            false => Err(SendError::Disconnected),
        })
    }

    /// Waits for the next reply.
    pub(super) fn reply(&self) -> Result<(Vec<u8>, Vec<OwnedFd>), Gone> {
        let connection = self.connection.as_ref().ok_or(Gone::Ended)?;
        let mut ended = false;
        loop {
            if !connection.has_message() && !ended {
                // its end is seen by the process too: something that it left behind may hold the socket
                let [_, process] = wait::either_readable(connection, &self.process).map_err(|_| Gone::Left)?;
                ended = process;
            }
            match connection.try_receive_message() {
                Ok(reply) => return Ok(reply),
                Err(RecvError::WouldBlock) if !ended => {}
                Err(RecvError::DescriptorsLost) => {
                    return Ok((refusal("its reply came with descriptors that this process may not open"), vec![]));
                }
                Err(_) if ended || self.ends_soon() => return Err(Gone::Ended),
                Err(_) => return Err(Gone::Left),
            }
        }
    }

    /// Whether it ends, now that its connection is closed: that comes a moment before the end of a process.
    fn ends_soon(&self) -> bool {
        wait::readable(&self.process, Instant::now().checked_add(MOMENT)).unwrap_or(true)
    }

    /// Ends it, if it has not ended, and takes its status.
    pub(super) fn end(mut self, how: Ending) -> Option<ExitStatus> {
        if matches!(how, Ending::Killed) {
            // one that has ended is not there to be killed
            let _ = self.process.kill();
        }
        self.connection = None;
        self.process.join().ok().or_else(|| self.process.exit_status())
    }
}

/// One that nobody has ended is of no use to anybody.
impl Drop for Worker {
    fn drop(&mut self) {
        if self.connection.is_some() {
            // if it cannot be killed or waited for, it ends with this process
            let _ = self.process.kill();
            let _ = self.process.join();
        }
    }
}

/// How to end a worker.
pub(super) enum Ending {
    /// When it has done what it was asked.
    Dismissed,
    Killed,
}
