//! The keeper: a process that removes the names which this process owns, should this process be killed.
//!
//! It is started with the first such name, is told of each before it exists, and waits for the end of the connection.
//! It does not end with this process, as other children do, but only then does its work.

use std::io;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::target::Target;
use crate::connection::{Connection, pipe};
use crate::process::{self, Process};
use crate::sys::{lifeline, signals, this_process};
use crate::task;

/// What the keeper is told.
#[derive(Serialize, Deserialize)]
enum Order {
    Remember(Target),
    Forget(Target),
}

/// The keeper of this process, and what it has been told.
struct Keeper {
    connection: Connection<Order, ()>,
    process: Process,
    /// The process that it is for: not one that was forked from it.
    of: u32,
    targets: Vec<Target>,
}

static KEEPER: Mutex<Option<Keeper>> = Mutex::new(None);

/// Has a name removed when this process ends; returns when that is certain.
pub(super) fn remember(target: &Target) -> io::Result<()> {
    let mut keeper = KEEPER.lock().unwrap_or_else(PoisonError::into_inner);
    if keeper.as_ref().is_some_and(|keeper| keeper.of != this_process::pid()) {
        std::mem::forget(keeper.take());
    }
    if let Some(known) = &mut *keeper
        && known.tell(&Order::Remember(target.clone())).is_ok()
    {
        known.targets.push(target.clone());
        return Ok(());
    }
    // there is none, or it was killed: then another one takes over, and the next time if this fails
    let targets = keeper.as_ref().map(|keeper| keeper.targets.clone()).unwrap_or_default();
    let mut new = Keeper::start()?;
    for target in targets.into_iter().chain([target.clone()]) {
        new.tell(&Order::Remember(target.clone()))?;
        new.targets.push(target);
    }
    *keeper = Some(new);
    Ok(())
}

/// The name has been removed, or was never made.
pub(super) fn forget(target: &Target) {
    let mut keeper = KEEPER.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(keeper) = keeper.as_mut().filter(|keeper| keeper.of == this_process::pid()) {
        keeper.targets.retain(|known| known != target);
        // one that was killed forgets by itself
        let _ = keeper.tell(&Order::Forget(target.clone()));
    }
}

impl Keeper {
    fn start() -> io::Result<Self> {
        let (connection, theirs) = pipe::<Order, ()>()?;
        process::before_children_end(dismiss);
        let process = process::start_hidden("carom-keeper", keep, theirs).map_err(io::Error::other)?;
        Ok(Self { connection, process, of: this_process::pid(), targets: Vec::new() })
    }

    /// Sends an order and waits until it has arrived.
    fn tell(&self, order: &Order) -> io::Result<()> {
        // the answer would otherwise be taken for that to the next order
        task::regardless(|| {
            self.connection.send(order).map_err(io::Error::other)?;
            self.connection.recv().map_err(io::Error::other)
        })
    }
}

/// Lets the keeper do its work, at the end of this process.
fn dismiss() {
    let keeper = KEEPER.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(Keeper { connection, process, of, .. }) = keeper
        && of == this_process::pid()
    {
        drop(connection);
        // it has nothing else to do than to remove some names
        let _ = process.join();
    }
}

/// The task that the keeper is.
#[carom::task]
fn keep(owner: Connection<(), Order>) {
    lifeline::disarm();
    signals::ignore_endings();
    let mut targets = Vec::new();
    while let Ok(order) = owner.recv() {
        match order {
            Order::Remember(target) => targets.push(target),
            Order::Forget(target) => targets.retain(|known| *known != target),
        }
        if owner.send(&()).is_err() {
            break;
        }
    }
    for target in &targets {
        // what is not there any more need not be removed
        let _ = target.remove();
    }
}
