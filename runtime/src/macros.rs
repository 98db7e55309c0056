//! The macros, re-exported and documented; `carom-macros` defines them.

/// Makes a function a task, which other processes can run.
///
/// The function stays what it was: `square(3)` calls it here. Its name is now also a value that stands
/// for it in another process, checked by the compiler: the input must have the types of the arguments.
///
/// ```standalone_crate
/// use carom::Process;
///
/// /// Squares a number.
/// #[carom::task]
/// fn square(x: u64) -> u64 {
///     x * x
/// }
///
/// #[carom::task(name = "report.lines", timeout = "5s", soft_timeout = "4s", retries = 2)]
/// fn lines(text: String, mut least: usize) -> Result<usize, carom::RemoteError> {
///     least = least.max(1);
///     Ok(text.lines().filter(|line| line.len() >= least).count())
/// }
///
/// #[carom::main]
/// fn main() -> carom::Result<()> {
///     assert_eq!(square(3), 9);
///     Process::spawn(square, 3)?.join()?.exit_ok()?;
///     Process::spawn(lines, ("one\ntwo".to_owned(), 1))?.join()?.exit_ok()?;
///     Ok(())
/// }
/// ```
///
/// # What a task can be
/// A function outside any `impl`, with up to eight arguments under plain names. It is not generic, `async`,
/// `const`, `unsafe` or `extern`, and nothing in its signature is borrowed, because its caller's memory is
/// in another process. Arguments and output implement serde's `Serialize` and `Deserialize`; both types of a
/// `Result` do. For errors that do not, there is [`RemoteError`](crate::RemoteError).
///
/// # Options
/// * `name = "images.thumbnail"`: the name under which workers find it, in place of `crate::module::function`.
///   Two tasks of one program cannot have one name; tasks that stand in two functions of one module need this.
/// * `timeout = "1m30s"`: after how long a call in a pool is ended, together with its worker; see
///   [`PoolBuilder::timeout`](crate::PoolBuilder::timeout). It may be made shorter by the pool and by the caller, and not longer.
/// * `soft_timeout = "1m"`: after how long a call in a pool should come to an end; shorter than `timeout`. From then on, nothing of
///   carom's waits in the thread that runs it; see [`task`](mod@crate::task#soft-time-limits).
/// * `retries = 2`: how often a call in a pool is begun again after its worker was lost in the midst of it. It should be harmless to
///   repeat.
///
/// Limits and retries are kept by a [`Pool`](crate::Pool). A [`Process`](crate::Process) has none of its own, and nor has a task that is
/// called as a function.
///
/// The codec between processes does not describe itself: types with serde's `untagged`, `tag` or `flatten`, with
/// fields or variants that only one direction skips (`skip_serializing_if` among them), and those that accept
/// anything, as JSON values, are refused when they are sent or received; send such a value as a string of JSON. A
/// `PathBuf` that is not UTF-8 is refused by serde; an `OsString` travels.
///
/// # What it costs
/// The name is that of a static value, which derefs to the function's pointer, and of its type. So
/// * no `let`, argument or pattern can bear it, as with any static in scope;
/// * where an `Fn` or a function pointer is wanted, write `*square`: `numbers.map(*square)`;
/// * a module or a type and a task in one place cannot share a name;
/// * the types in its signature are at least as visible as itself;
/// * a link in documentation is [`square`](task), not `square()`.
///
/// The macros name the crate `carom`: it cannot be renamed in the manifest.
#[doc(inline)]
pub use carom_macros::task;

/// Makes tasks of functions that know nothing of carom, as those of other crates.
///
/// Each declaration names a function and gives it a signature of its own, with the attributes and options
/// of a task: `#[task(…)]` holds the options. The signature may differ where Rust converts by itself.
///
/// ```standalone_crate
/// use carom::Process;
///
/// carom::tasks! {
///     /// Ends the process that it runs in.
///     std::process::exit as leave(code: i32) -> ();
///     /// The number half-way between two.
///     #[task(name = "numbers.midpoint", timeout = "1s")]
///     pub u64::midpoint as midpoint(a: u64, b: u64) -> u64;
/// }
///
/// #[carom::main]
/// fn main() -> carom::Result<()> {
///     assert_eq!(midpoint(1, 9), 5);
///     assert_eq!(Process::spawn(leave, 7)?.join()?.code(), Some(7));
///     Ok(())
/// }
/// ```
///
/// Where the function is unsafe, or its error or arguments cannot be sent, write a function of your own under
/// [`#[task]`](macro@task) that calls it and converts.
#[doc(inline)]
pub use carom_macros::tasks;

/// Makes `main` the entry of a program that starts processes.
///
/// A process started by carom is this executable, and comes by here: its task runs, and `main` does not. In
/// the main process, `main` runs, and when it returns (or panics), children that are still running are
/// waited for, or ended if they are [daemonic](crate::Builder::daemon). `std::process::exit` does not come
/// by here: it ends the children with the program.
///
/// `main` may return what any `main` may. For an async one, put the runtime's attribute above this one, or
/// call [`init`](crate::init) by hand:
///
/// ```text
/// fn main() {
///     carom::init();
///     tokio::runtime::Runtime::new().unwrap().block_on(async { … })
/// }
/// ```
#[doc(inline)]
pub use carom_macros::main;

/// Makes a function a test that can start processes; it stands in place of `#[test]`.
///
/// It works under the plain harness with any number of threads, under nextest, with `#[should_panic]` and
/// `#[ignore]`, and in modules. A child runs this same test binary up to the first line of one such test.
/// What a child prints to its standard output, the harness does not capture. An attribute that wraps the
/// test (one that takes a lock between processes, say) stands above this one, so that children do not come by
/// it.
///
/// ```text
/// #[carom::test]
/// fn squares_in_another_process() -> carom::Result<()> {
///     Process::spawn(square, 3)?.join()?.exit_ok()?;
///     Ok(())
/// }
/// ```
///
/// Documentation tests that start processes have a `main` under [`#[carom::main]`](macro@main), and are marked
/// `standalone_crate`. A test binary with `harness = false` has a `main`, which is the place for [`#[carom::main]`](macro@main).
#[doc(inline)]
pub use carom_macros::test;

/// Makes a struct or an enum a type whose values can lie in memory that processes share.
///
/// It implements [`Shared`](trait@crate::Shared). Nothing else changes: fields, methods, derives and `match` are those of
/// any other type.
///
/// ```
/// use carom::ShString;
///
/// #[carom::shared]
/// #[derive(Clone, Copy, Debug, Default, PartialEq)]
/// struct Player {
///     name: ShString<32>,
///     score: u64,
///     position: [f32; 2],
///     state: State,
/// }
///
/// #[carom::shared]
/// #[derive(Clone, Copy, Debug, Default, PartialEq)]
/// enum State {
///     #[default]
///     Waiting,
///     Playing { level: u8 },
///     Left(Reason),
/// }
///
/// #[carom::shared]
/// #[repr(i16)]
/// #[derive(Clone, Copy, Debug, PartialEq)]
/// enum Reason {
///     Timeout = -110,
///     Closed = 0,
/// }
///
/// fn keep<T: carom::Shared>(value: T) -> T {
///     value
/// }
///
/// let player = keep(Player { name: "Ada".parse()?, state: State::Playing { level: 3 }, ..Player::default() });
/// assert_eq!(player.name, "Ada");
/// # let _ = (State::Left(Reason::Timeout), Reason::Closed);
/// # Ok::<(), carom::TooLong>(())
/// ```
///
/// # What can be in it
/// Whatever implements [`Shared`](trait@crate::Shared): numbers, `bool`, `char`, arrays, the integers of
/// [`std::sync::atomic`], [`ShString`](crate::ShString), `PhantomData`, and other types under this attribute. What a
/// process has for itself cannot be: an address (references, pointers, `Box`, `String`, `Vec`, maps), a lock or a cell, or
/// a file. Nor can what has no fixed layout: tuples, `Option` and `Result`, `Duration`. The compiler says what to write
/// instead.
///
/// The type owns what is in it, so that it has no lifetimes, and does not implement `Drop`. It may be generic, with
/// parameters that are themselves shared; a parameter under `PhantomData` need only be `Send`. Fields under a `cfg` are as usual.
///
/// # Layout
/// Two processes that share a value have to agree where its fields are, so the layout is fixed: a struct becomes `#[repr(C)]`, with its
/// fields in the order in which they are written, and an enum becomes `#[repr(u8)]`, of which the tag is one byte (where
/// that does not suffice, the compiler says what to write). Where you write `repr(C)`, `repr(transparent)` or the type
/// of an enum's tag yourself, below this attribute, that is taken. `align(N)` goes with `C` and with a tag; `packed` goes
/// with none, because there are no references to the fields of such a struct.
///
/// # What it costs
/// * A struct in the order in which it is written may need more padding. Put the largest fields first.
/// * Other processes write to the memory. Where not every bit pattern is a value (`bool`, `char`, text, enums),
///   the bytes are looked at when a handle that has come from another process is locked first, and after each death of a
///   holder of the lock; not at each lock. A process that lives and writes what is no value, by unsafe code, is not noticed.
/// * What is looked at is each field. That two fields fit each other is for the programs to keep.
/// * Padding, and such types, cannot be read and written without a lock. A generic type counts as one that has both.
///
/// To write the layout yourself and have no attribute that adds it, use `#[derive(carom::Shared)]`.
///
/// The macros name the crate `carom`: it cannot be renamed in the manifest.
#[doc(inline)]
pub use carom_macros::shared;

/// Makes a type that has a fixed layout one whose values can lie in memory that processes share.
///
/// It is what [`#[shared]`](macro@shared) does, without the layout:
///
/// ```
/// #[derive(Clone, Copy, carom::Shared)]
/// #[repr(C)]
/// struct Point {
///     x: f32,
///     y: f32,
/// }
///
/// #[derive(Clone, Copy, carom::Shared)]
/// #[repr(u8)]
/// enum Shape {
///     Dot(Point),
///     Circle { centre: Point, radius: f32 },
/// }
///
/// fn bytes<T: carom::Shared>() -> usize {
///     size_of::<T>()
/// }
///
/// assert_eq!(bytes::<[Point; 2]>(), 16);
/// assert_eq!(bytes::<Shape>(), 16);
/// # let point = Point { x: 1.0, y: 2.0 };
/// # let _ = (Shape::Dot(point), Shape::Circle { centre: point, radius: 1.0 }, point.x + point.y);
/// ```
#[doc(inline)]
pub use carom_macros::Shared;
