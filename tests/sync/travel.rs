//! Handles on their way between processes, alone and as parts of other things.
use std::time::Duration;

use carom::{Barrier, BoundedSemaphore, Condition, Connection, Event, Pool, Process, RLock, Semaphore, pipe};
use serde::{Deserialize, Serialize};

use crate::common::watchdog;
use crate::stage::joined;

/// All of them among other things.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Tools {
    name: String,
    permits: Vec<Semaphore>,
    slots: Option<BoundedSemaphore>,
    meeting: Meeting,
    event: Box<Event>,
    lock: (RLock, u8),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Meeting {
    At(Barrier),
    Notified { changed: Condition },
}

impl Tools {
    fn new(name: &str) -> carom::Result<Self> {
        let (permits, slots) = (vec![Semaphore::new(1)?, Semaphore::new(2)?], Some(BoundedSemaphore::new(3)?));
        let meeting = match name {
            "barrier" => Meeting::At(Barrier::new(1)?),
            _ => Meeting::Notified { changed: Condition::new()? },
        };
        Ok(Self {
            name: name.to_owned(),
            permits,
            slots,
            meeting,
            event: Box::new(Event::new()?),
            lock: (RLock::new()?, 7),
        })
    }

    /// Takes some for good, so that others can tell that these are the same.
    fn mark(&self) {
        self.permits[1].acquire().forget();
        self.slots.as_ref().expect("they are there").acquire().forget();
        match &self.meeting {
            Meeting::At(barrier) => barrier.abort(),
            Meeting::Notified { changed } => {
                let guard = self.lock.0.lock().expect("nobody died");
                assert!(!changed.wait_timeout(guard, Duration::ZERO).expect("nobody died").1);
            }
        }
        self.event.set();
    }

    fn is_marked(&self) -> bool {
        let broken = match &self.meeting {
            Meeting::At(barrier) => barrier.is_broken(),
            Meeting::Notified { changed } => changed.waiting().is_empty(),
        };
        let slots = self.slots.as_ref().expect("they are there");
        let numbers = [self.permits[0].available(), self.permits[1].available(), slots.available()];
        numbers == [1, 1, 2] && broken && self.event.is_set() && self.lock.0.owner().is_none()
    }
}

#[carom::task]
fn mark(tools: Tools) {
    tools.mark();
}

#[carom::task]
fn mark_and_return(tools: Tools) -> Tools {
    tools.mark();
    tools
}

#[carom::test]
fn they_are_arguments_of_processes_and_of_tasks_in_a_pool() -> carom::Result<()> {
    let _watchdog = watchdog();
    let pool = Pool::builder().processes(2).build()?;
    for name in ["barrier", "condition"] {
        let tools = Tools::new(name)?;
        joined(&Process::spawn(mark, tools.clone())?);
        assert!(tools.is_marked());
        let tools = Tools::new(name)?;
        let returned = pool.apply(mark_and_return, tools.clone())?;
        assert!(returned.is_marked());
        // each handle is one of the same thing
        assert_eq!(returned, tools);
        assert_ne!(returned, Tools::new(name)?);
    }
    Ok(())
}

#[carom::task]
fn make(name: String) -> Tools {
    let tools = Tools::new(&name).expect("memory");
    tools.mark();
    tools
}

#[carom::test]
fn what_a_worker_makes_outlives_it_and_goes_on_to_others() -> carom::Result<()> {
    let _watchdog = watchdog();
    let pool = Pool::builder().processes(1).build()?;
    let made = pool.map(make, ["barrier".to_owned(), "condition".to_owned()])?;
    drop(pool);
    for tools in &made {
        assert!(tools.is_marked());
        tools.permits[1].release(1);
        tools.slots.as_ref().expect("they are there").release()?;
        if let Meeting::At(barrier) = &tools.meeting {
            barrier.reset();
        }
        joined(&Process::spawn(mark, tools.clone())?);
        assert!(tools.is_marked());
    }
    Ok(())
}

#[carom::task]
fn send_made(to: Connection<Tools, Tools>) {
    for tools in to.iter().map_while(Result::ok) {
        tools.mark();
        to.send(&tools).expect("send");
        // some of its own, which nobody else has when it ends
        to.send(&Tools::new("new").expect("memory")).expect("send");
    }
}

#[carom::test]
fn they_go_through_pipes_there_and_back() -> carom::Result<()> {
    let _watchdog = watchdog();
    let (here, there) = pipe()?;
    let process = Process::spawn(send_made, there)?;
    let mut made = Vec::new();
    for _ in 0..20 {
        let tools = Tools::new("barrier")?;
        here.send(&tools)?;
        let back: Tools = here.recv()?;
        assert!(back == tools && tools.is_marked());
        made.push(here.recv()?);
    }
    drop(here);
    joined(&process);
    for tools in made {
        tools.mark();
        assert!(tools.is_marked());
    }
    Ok(())
}

#[test]
fn handles_are_equal_if_they_are_of_the_same_one() -> carom::Result<()> {
    let _watchdog = watchdog();
    macro_rules! are_equal {
        ($($new:expr),*) => {$(
            let (one, other) = ($new?, $new?);
            assert!(one == one.clone() && one != other);
        )*};
    }
    are_equal!(
        Semaphore::new(1),
        BoundedSemaphore::new(1),
        Condition::new(),
        Barrier::new(1),
        Event::new(),
        RLock::new()
    );
    Ok(())
}

#[carom::task]
fn start_another(permits: Semaphore, event: Event, depth: u32) {
    permits.acquire().forget();
    if depth == 0 {
        event.set();
    } else {
        joined(&Process::spawn(start_another, (permits, event, depth - 1)).expect("spawn"));
    }
}

#[carom::test]
fn they_go_on_to_children_of_children() -> carom::Result<()> {
    let _watchdog = watchdog();
    let (permits, event) = (Semaphore::new(5)?, Event::new()?);
    let process = Process::spawn(start_another, (permits.clone(), event.clone(), 4))?;
    event.wait();
    joined(&process);
    assert_eq!(permits.available(), 0);
    Ok(())
}
