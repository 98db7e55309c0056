//! Pools: worker processes that run tasks for this one.
//!
//! This file is the face. [`request`] and [`batch`] are what is said to workers, and in them; [`region`] is the memory by which
//! it gets there (with [`area`]), and has the rules. [`engine`] gives jobs to workers and takes replies, and [`reactor`] looks after the
//! workers; [`member`] is one from outside, [`worker`] from inside. [`shelf`], [`map`] and [`result`] bring outcomes to the callers.

mod area;
pub(crate) mod batch;
mod engine;
mod error;
mod job;
mod map;
mod member;
mod panics;
mod reactor;
mod region;
mod request;
mod result;
mod shelf;
mod spin;
mod worker;

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use engine::Engine;
pub use error::{PoolError, TaskError};
use job::Job;
pub use map::Imap;
pub use panics::Panic;
use request::{Request, request};
pub use result::AsyncResult;
use shelf::{Outcome, Shelf};

use crate::process::cpu_count;
use crate::task::Task;

/// Worker processes that run tasks for this one.
///
/// A worker is started once and runs many calls, one at a time. A call that panics costs nothing but its result. A
/// worker that dies (by a signal, `exit`, a crash in native code) costs the call that it was running, which gets an
/// error that says how it ended; another worker takes its place, and all other calls go on.
///
/// Any number of threads may use a pool at once. It keeps one thread in this process, whatever the
/// number of workers. Workers are in
/// process groups of their own and ignore SIGINT, so that Ctrl-C at the terminal is for this process alone to deal with.
/// Their standard input is empty, and panics are printed by the worker as well as reported. What a task changes in its
/// process (the directory, the environment, statics) the next one finds changed.
///
/// The time limits and retries of [`#[task]`](macro@crate::task) are not enforced yet: a call runs as long as it runs,
/// once.
/// Dropping it terminates it: calls that are not done get an error, and
/// no process or thread is left.
///
/// ```standalone_crate
/// use carom::Pool;
///
/// #[carom::task]
/// fn square(x: u64) -> u64 {
///     x * x
/// }
///
/// #[carom::task]
/// fn divide(a: u32, b: u32) -> u32 {
///     a / b
/// }
///
/// #[carom::main]
/// fn main() -> carom::Result<()> {
///     let pool = Pool::builder().processes(2).build()?;
///     assert_eq!(pool.apply(square, 3)?, 9);
///     assert_eq!(pool.map(square, 1..=4)?, [1, 4, 9, 16]);
///     let quotients: Vec<_> = pool.imap(divide, [(7, 2), (7, 0)]).collect();
///     assert_eq!(*quotients[0].as_ref().expect("divided"), 3);
///     let panic = quotients[1].as_ref().expect_err("division by zero").panic().expect("a panic");
///     assert_eq!(panic.message(), "attempt to divide by zero");
///     Ok(())
/// }
/// ```
pub struct Pool {
    engine: Arc<Engine>,
}

/// Options for a pool; [`Pool::builder`] makes one.
#[derive(Clone, Debug, Default)]
#[must_use = "a builder does nothing until `build`"]
pub struct PoolBuilder {
    processes: Option<usize>,
}

impl PoolBuilder {
    /// How many workers there are; without this, as many as this process may use CPUs.
    pub fn processes(mut self, count: usize) -> Self {
        self.processes = Some(count);
        self
    }

    /// Starts the workers, and returns when all of them are ready.
    ///
    /// # Errors
    /// If `processes` is 0, or a worker cannot be started; then none is left behind.
    pub fn build(self) -> Result<Pool, PoolError> {
        match self.processes.unwrap_or_else(cpu_count) {
            0 => Err(PoolError::NoProcesses),
            count => Ok(Pool { engine: reactor::hire(count)? }),
        }
    }
}

impl Pool {
    /// A pool of as many workers as this process may use CPUs.
    ///
    /// # Errors
    /// If a worker cannot be started.
    pub fn new() -> Result<Self, PoolError> {
        Self::builder().build()
    }

    /// Options for a pool.
    pub fn builder() -> PoolBuilder {
        PoolBuilder::default()
    }

    /// Runs `task` with `input` in a worker, and waits for what it returns.
    ///
    /// # Errors
    /// If the call has no result: the task panicked, the worker died, the pool was closed before or terminated
    /// meanwhile, or something could not be encoded. What the task returns, an `Err` too, is `Ok` here.
    pub fn apply<T: Task<Input = I>, I>(&self, task: T, input: I) -> Result<T::Output, TaskError> {
        self.call(task, input).get()
    }

    /// Has `task` run with `input` in a worker. Does not block; what goes wrong, the handle tells.
    #[doc(alias = "submit")]
    pub fn apply_async<T: Task<Input = I>, I>(&self, task: T, input: I) -> AsyncResult<T::Output> {
        let result = self.call(task, input);
        self.engine.leave();
        result
    }

    fn call<T: Task<Input = I>, I>(&self, _task: T, input: I) -> AsyncResult<T::Output> {
        let shelf = Arc::<Shelf>::default();
        let calls = request::<T>(&mut std::iter::once(input), 1).map(|Request { bytes, fds, calls }| {
            if calls.none_sent() {
                shelf.put(0, Outcome::Reply(Vec::new(), Vec::new()));
            } else {
                self.engine.add(Job::new(bytes, fds, &shelf, 0));
            }
            calls
        });
        AsyncResult::new(T::INFO, T::CODEC.output, &self.engine, shelf, calls.unwrap_or_default())
    }

    /// Runs `task` with each of the inputs, and waits for all of them; what they return, in order. The inputs of a
    /// task with several arguments are tuples.
    ///
    /// The inputs go to the workers in chunks, four for each worker. A worker that dies costs the chunk that it was
    /// running, and one error is the error of all; see [`job`](Self::job) for other sizes, and [`imap`](Self::imap) for a
    /// result or an error from each call. The results of a chunk can hold 250 descriptors.
    ///
    /// # Errors
    /// The first error in the order of the inputs, when all are done; see [`apply`](Self::apply).
    #[doc(alias = "starmap")]
    pub fn map<T: Task<Input = I>, I>(
        &self,
        task: T,
        inputs: impl IntoIterator<Item = I>,
    ) -> Result<Vec<T::Output>, TaskError> {
        self.job(task).map(inputs)
    }

    /// Runs `task` with each of the inputs, which are taken only as results are; an iterator over the results, in the
    /// order of the inputs. Some calls for each worker are under way at a time, so that it may be endless.
    pub fn imap<T: Task<Input = I>, I, Inputs: IntoIterator<Item = I>>(
        &self,
        task: T,
        inputs: Inputs,
    ) -> Imap<'_, T, Inputs::IntoIter> {
        self.job(task).imap(inputs)
    }

    /// As [`imap`](Self::imap), with the results in the order in which they come.
    pub fn imap_unordered<T: Task<Input = I>, I, Inputs: IntoIterator<Item = I>>(
        &self,
        task: T,
        inputs: Inputs,
    ) -> Imap<'_, T, Inputs::IntoIter> {
        self.job(task).imap_unordered(inputs)
    }

    /// Options for calls of `task`.
    pub fn job<T: Task>(&self, _task: T) -> JobBuilder<'_, T> {
        JobBuilder { pool: self, task: PhantomData, chunk_size: None }
    }

    /// How many workers there are.
    pub fn processes(&self) -> usize {
        self.engine.processes()
    }

    /// The process ids of the workers. One that is being replaced is not among them.
    pub fn worker_pids(&self) -> Vec<u32> {
        self.engine.worker_pids()
    }

    /// Takes no more calls. Those that have been made are done, and then the workers end. Does not block.
    pub fn close(&self) {
        self.engine.close();
    }

    /// Kills the workers. Calls that are not done get an error that [says so](TaskError::is_terminated). Does not
    /// block; see [`join`](Self::join).
    pub fn terminate(&self) {
        self.engine.terminate();
    }

    /// Closes the pool, and waits until all calls are done and all workers have ended.
    pub fn join(&self) {
        self.close();
        self.engine.wait_for_end();
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.terminate();
        self.engine.wait_for_end();
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("worker_pids", &self.worker_pids()).finish()
    }
}

/// Options for calls of a task; [`Pool::job`] makes one.
#[derive(Debug)]
#[must_use = "a builder does nothing until it is told what to call"]
pub struct JobBuilder<'p, T> {
    pool: &'p Pool,
    task: PhantomData<T>,
    chunk_size: Option<usize>,
}

impl<'p, T: Task> JobBuilder<'p, T> {
    /// How many calls go to a worker at once. Many small calls are quicker in large chunks; a worker that dies costs
    /// the whole chunk that it was running. Without this, it is 1 for iterators, and a quarter of a worker's share for
    /// [`map`](Self::map). Chunks that pass a mebibyte are cut.
    ///
    /// # Panics
    /// If it is 0.
    #[doc(alias = "chunksize")]
    #[track_caller]
    pub fn chunk_size(mut self, calls: usize) -> Self {
        assert!(calls > 0, "a chunk is of one call at least");
        self.chunk_size = Some(calls);
        self
    }

    /// As [`Pool::map`].
    ///
    /// # Errors
    /// As [`Pool::map`].
    pub fn map(self, inputs: impl IntoIterator<Item = T::Input>) -> Result<Vec<T::Output>, TaskError> {
        let inputs = inputs.into_iter();
        let engine = &self.pool.engine;
        if let Some(size) = self.chunk_size {
            return map::map::<T>(engine, inputs, size);
        }
        let size = |count: usize| count.div_ceil(4 * engine.processes()).max(1);
        match inputs.size_hint() {
            (least, Some(most)) if least == most => map::map::<T>(engine, inputs, size(most)),
            _ => {
                let inputs: Vec<_> = inputs.collect();
                let size = size(inputs.len());
                map::map::<T>(engine, inputs.into_iter(), size)
            }
        }
    }

    /// As [`Pool::imap`].
    pub fn imap<Inputs: IntoIterator<Item = T::Input>>(self, inputs: Inputs) -> Imap<'p, T, Inputs::IntoIter> {
        Imap::new(&self.pool.engine, inputs.into_iter(), self.chunk_size.unwrap_or(1), true)
    }

    /// As [`Pool::imap_unordered`].
    pub fn imap_unordered<Inputs: IntoIterator<Item = T::Input>>(
        self,
        inputs: Inputs,
    ) -> Imap<'p, T, Inputs::IntoIter> {
        Imap::new(&self.pool.engine, inputs.into_iter(), self.chunk_size.unwrap_or(1), false)
    }
}
