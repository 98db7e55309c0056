//! Pools: worker processes that run tasks for this one.
//!
//! This file is the face. [`request`] and [`batch`] are what is said to workers, and in them; [`region`] is the memory by which
//! it gets there (with [`area`]), and has the rules. [`engine`] gives jobs to workers and takes replies, and [`reactor`] looks after the
//! workers; [`member`] is one from outside, [`worker`] from inside. [`shelf`], [`map`] and [`result`] bring outcomes to the callers.

mod area;
pub(crate) mod batch;
mod buffers;
mod death;
mod desk;
mod engine;
mod error;
mod handoff;
mod job;
mod map;
mod member;
mod panics;
mod quota;
mod reactor;
mod region;
mod reply;
mod request;
mod result;
mod settings;
mod shelf;
mod spin;
mod tail;
mod terms;
mod worker;

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

pub use death::WorkerLost;
use engine::Engine;
pub use error::{PoolError, TaskError};
use job::{Job, Outcome};
pub use map::Imap;
pub use panics::Panic;
use request::{SMALL, request};
pub use result::AsyncResult;
pub use settings::MemoryPolicy;
use settings::Settings;
use shelf::Shelf;
use terms::{Terms, Wishes};

use crate::task::{self, Task};

/// Worker processes that run tasks for this one.
///
/// A worker is started once and runs many calls, one at a time. A call that panics costs nothing but its result. A
/// worker that dies (by a signal, `exit`, a crash in native code) costs the call that it was running, which gets an
/// error that [says how it ended](WorkerLost); another worker takes its place, and all other calls go on. The processes that its tasks
/// have started are killed with it, if they are in its process group still.
///
/// Any number of threads may use a pool at once. It keeps one thread in this process, whatever the
/// number of workers. Workers are in
/// process groups of their own and ignore SIGINT, so that Ctrl-C at the terminal is for this process alone to deal with.
/// Their standard input is empty, and panics are printed by the worker as well as reported. What a task changes in its
/// process (the directory, the environment, statics) the next one finds changed.
///
/// A call that takes longer than its `timeout` is ended together with its worker; one with a `soft_timeout` is told, as
/// [`task`](mod@crate::task#soft-time-limits) says. Both can be set on the [task](macro@crate::task), the [pool](PoolBuilder::timeout) and
/// the [call](JobBuilder::timeout). A call whose worker dies is made again if it has `retries`.
///
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
    settings: Settings,
}

impl PoolBuilder {
    /// How many workers there are; without this, as many as this process may use CPUs.
    pub fn processes(mut self, count: usize) -> Self {
        self.settings.processes = Some(count);
        self
    }

    /// After how long a call is ended, if it is not done: its worker is killed, with all processes that its tasks have started and that
    /// are in its process group, the call gets an error that [says so](TaskError::time_limit_exceeded), and another worker takes the place.
    /// Counted from when a worker begins the call, and with what it takes to print a panic: with `RUST_BACKTRACE=1` that can be some
    /// hundred milliseconds. Of this, the task's own `timeout` and the [call's](JobBuilder::timeout), the
    /// shortest counts.
    #[doc(alias = "time_limit")]
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.settings.wishes.timeout = Some(limit);
        self
    }

    /// After how long a call is to come to an end by itself; see [`task::current`](crate::task::current). The shortest
    /// counts, as with [`timeout`](Self::timeout).
    #[doc(alias = "soft_time_limit")]
    pub fn soft_timeout(mut self, limit: Duration) -> Self {
        self.settings.wishes.soft_timeout = Some(limit);
        self
    }

    /// After how many calls another worker takes the place of one. It is started before, so that it is there when it is needed.
    ///
    /// # Panics
    /// If it is 0.
    #[doc(alias = "maxtasksperchild")]
    #[track_caller]
    pub fn max_tasks_per_child(mut self, calls: u64) -> Self {
        assert!(calls > 0, "a worker makes one call at least");
        self.settings.max_tasks_per_child = Some(calls);
        self
    }

    /// How many bytes of memory a worker may take: resident ones, at present, and not at most. It is looked at after each call (and not
    /// while the worker waits for one), and one that takes more makes no other call; another one takes its place. What becomes of a call during which it
    /// takes more, [`memory_policy`](Self::memory_policy) says.
    pub fn max_memory_per_child(mut self, bytes: u64) -> Self {
        self.settings.max_memory_per_child = Some(bytes);
        self
    }

    /// What becomes of a call during which its worker takes more than [`max_memory_per_child`](Self::max_memory_per_child).
    pub fn memory_policy(mut self, policy: MemoryPolicy) -> Self {
        self.settings.memory_policy = policy;
        self
    }

    /// How many bytes of addresses the kernel gives a worker (`RLIMIT_AS`); an allocation that passes it fails there, which
    /// ends the worker by SIGABRT unless the task does without it. Addresses are more than memory: those of the executable, of
    /// 12 MiB that are shared with the pool, and of stacks count too.
    pub fn address_space(mut self, bytes: u64) -> Self {
        self.settings.address_space = Some(bytes);
        self
    }

    /// Passes what workers write to their standard error on to that of this process, and keeps the last 4 KiB of each, for
    /// [`WorkerLost::stderr`]. It costs a descriptor for each worker. Where nobody reads that of this process, a worker that writes much
    /// is held up, and so is [`join`](Pool::join).
    pub fn capture_stderr(mut self, captured: bool) -> Self {
        self.settings.captures_stderr = captured;
        self
    }

    /// Starts the workers, and returns when all of them are ready.
    ///
    /// # Errors
    /// If `processes` is 0, or a worker cannot be started; then none is left behind.
    pub fn build(self) -> Result<Pool, PoolError> {
        match self.settings.workers() {
            0 => Err(PoolError::NoProcesses),
            // a worker is not left half-started for a limit of the task that wants it
            count => Ok(Pool { engine: task::regardless(|| reactor::hire(count, self.settings))? }),
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
    /// If the call has no result: the task panicked, or passed a limit, its worker died, the pool was closed before or
    /// terminated meanwhile, or something could not be encoded; or if the soft time limit of the task that calls this, in a worker of
    /// another pool, passes before. What the task returns, an `Err` too, is `Ok` here.
    pub fn apply<T: Task<Input = I>, I>(&self, task: T, input: I) -> Result<T::Output, TaskError> {
        self.job(task).apply(input)
    }

    /// Has `task` run with `input` in a worker. Does not block; what goes wrong, the handle tells.
    #[doc(alias = "submit")]
    pub fn apply_async<T: Task<Input = I>, I>(&self, task: T, input: I) -> AsyncResult<T::Output> {
        self.job(task).apply_async(input)
    }

    /// Runs `task` with each of the inputs, and waits for all of them; what they return, in order. The inputs of a
    /// task with several arguments are tuples.
    ///
    /// The inputs go to the workers in chunks, four for each worker. A worker that dies costs one call, whatever the size of
    /// the chunk: those before it have their results, and those after it are made by another worker. One error is the error of all; see [`job`](Self::job) for other sizes, and [`imap`](Self::imap) for a
    /// result or an error from each call.
    ///
    /// # Errors
    /// The first error in the order of the inputs, when all are done; see [`apply`](Self::apply). At the soft time limit of the task that
    /// calls this, it ends, and calls that have not been begun are not made.
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
        JobBuilder { pool: self, task: PhantomData, chunk_size: None, wishes: Wishes::default() }
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
    wishes: Wishes,
}

impl<'p, T: Task> JobBuilder<'p, T> {
    /// After how long each of the calls is ended; see [`PoolBuilder::timeout`].
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.wishes.timeout = Some(limit);
        self
    }

    /// After how long each of the calls is to come to an end by itself; see [`PoolBuilder::soft_timeout`].
    pub fn soft_timeout(mut self, limit: Duration) -> Self {
        self.wishes.soft_timeout = Some(limit);
        self
    }

    /// How often a call may be begun again because its worker was lost in the midst of it; in place of what the task says, which is
    /// otherwise 0. It should be harmless to repeat. One that has lost its worker that often and once more is
    /// [lost](TaskError::worker_lost). A call that has passed a limit is not begun again.
    pub fn retries(mut self, times: u32) -> Self {
        self.wishes.retries = Some(times);
        self
    }

    fn terms(&self) -> Terms {
        Terms::new(T::INFO, &self.pool.engine.settings, self.wishes)
    }

    /// As [`Pool::apply`].
    ///
    /// # Errors
    /// As [`Pool::apply`].
    pub fn apply(self, input: T::Input) -> Result<T::Output, TaskError> {
        self.call(input).get()
    }

    /// As [`Pool::apply_async`].
    pub fn apply_async(self, input: T::Input) -> AsyncResult<T::Output> {
        let engine = &self.pool.engine;
        let result = self.call(input);
        engine.leave();
        result
    }

    fn call(&self, input: T::Input) -> AsyncResult<T::Output> {
        let engine = &self.pool.engine;
        let shelf = Arc::new(Shelf::new(T::INFO, self.terms(), &engine.buffers));
        let calls = request::<T>(&mut std::iter::once(input), 1, Vec::with_capacity(SMALL)).map(|request| {
            let (job, calls) = Job::new(request, &shelf, 0);
            match calls.sent() {
                0 => shelf.put(0, Outcome::of_none()),
                _ => engine.add([job]),
            }
            calls
        });
        AsyncResult::new(T::CODEC.output, engine, shelf, calls.unwrap_or_default())
    }

    /// How many calls go to a worker at once. Many small calls are quicker in large chunks. Without this, it is 1 for iterators, and a quarter of a worker's share for
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
        let (engine, terms) = (&self.pool.engine, self.terms());
        if let Some(size) = self.chunk_size {
            return map::map::<T>(engine, inputs, size, terms);
        }
        let size = |count: usize| count.div_ceil(4 * engine.processes()).max(1);
        match inputs.size_hint() {
            (least, Some(most)) if least == most => map::map::<T>(engine, inputs, size(most), terms),
            _ => {
                let inputs: Vec<_> = inputs.collect();
                let size = size(inputs.len());
                map::map::<T>(engine, inputs.into_iter(), size, terms)
            }
        }
    }

    /// As [`Pool::imap`].
    pub fn imap<Inputs: IntoIterator<Item = T::Input>>(self, inputs: Inputs) -> Imap<'p, T, Inputs::IntoIter> {
        let (engine, terms) = (&self.pool.engine, self.terms());
        Imap::new(engine, inputs.into_iter(), self.chunk_size.unwrap_or(1), true, terms)
    }

    /// As [`Pool::imap_unordered`].
    pub fn imap_unordered<Inputs: IntoIterator<Item = T::Input>>(
        self,
        inputs: Inputs,
    ) -> Imap<'p, T, Inputs::IntoIter> {
        let (engine, terms) = (&self.pool.engine, self.terms());
        Imap::new(engine, inputs.into_iter(), self.chunk_size.unwrap_or(1), false, terms)
    }
}
