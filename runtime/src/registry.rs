//! Which tasks and tests this program has: the only file that names `inventory`.

use std::collections::HashMap;
use std::fmt;
use std::sync::OnceLock;

#[doc(hidden)]
pub use ::inventory;

use crate::task::TaskInfo;

/// One registered task.
pub struct Registered(pub &'static TaskInfo);
inventory::collect!(Registered);

/// One `#[carom::test]`, by its path from the crate's root, the crate's name included.
pub struct RegisteredTest(pub &'static str);
inventory::collect!(RegisteredTest);

pub(crate) fn tasks() -> impl Iterator<Item = &'static TaskInfo> {
    inventory::iter::<Registered>.into_iter().map(|registered| registered.0)
}

pub(crate) fn find(name: &str) -> Option<&'static TaskInfo> {
    tasks().find(|task| task.name == name)
}

/// The same by its [`id`](TaskInfo::id), for many times.
pub(crate) fn find_quickly(id: u64) -> Option<&'static TaskInfo> {
    static BY_ID: OnceLock<HashMap<u64, &TaskInfo>> = OnceLock::new();
    BY_ID.get_or_init(|| tasks().map(|task| (task.id, task)).collect()).get(&id).copied()
}

/// The first registered test by name.
pub(crate) fn first_test() -> Option<&'static str> {
    inventory::iter::<RegisteredTest>.into_iter().map(|test| test.0).min()
}

/// Two tasks under one name, or one number: neither could be found for certain.
pub(crate) struct Duplicate {
    first: &'static TaskInfo,
    second: &'static TaskInfo,
}

impl fmt::Display for Duplicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { first, second } = self;
        match (first.name, second.name) {
            (name, other) if name == other => write!(f, "two tasks are named `{name}`")?,
            (name, other) => write!(f, "two tasks have names with the same hash, `{name}` and `{other}`")?,
        }
        write!(f, ": one at {}, one at {}; ", first.location, second.location)?;
        write!(f, "give one of them a name of its own: `#[carom::task(name = \"…\")]`")
    }
}

pub(crate) fn duplicate() -> Option<Duplicate> {
    let mut seen: HashMap<u64, &'static TaskInfo> = HashMap::new();
    tasks().find_map(|task| {
        let first = seen.insert(task.id, task)?;
        let key = |task: &TaskInfo| (task.location.file, task.location.line, task.location.column);
        let (first, second) = if key(first) <= key(task) { (first, task) } else { (task, first) };
        Some(Duplicate { first, second })
    })
}
