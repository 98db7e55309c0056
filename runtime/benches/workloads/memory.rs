//! Locks, and values in shared memory.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed, Ordering::SeqCst};
use std::time::Duration;

use carom::{Array, Connection, Lock, Process, RawValue, Value, pipe};

use crate::report::{nanoseconds, p50, seconds, throughput};

/// For how long two processes work at once in one sample.
const DURATION: Duration = Duration::from_millis(300);

/// One process takes and releases a lock that others could have.
pub(crate) fn lock_uncontended() {
    let lock = Lock::new().expect("memory");
    nanoseconds("lock_uncontended", "carom", "acquire+release", || drop(lock.lock().expect("nobody died")));
    let value = Value::new(0_u64).expect("memory");
    nanoseconds("lock_uncontended", "carom/value", "acquire+release", || *value.lock().expect("nobody died") += 1);
}

/// What both processes of a sample have.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
pub(crate) struct Stage<T> {
    object: T,
    started: RawValue<AtomicU64>,
    stop: RawValue<AtomicBool>,
}

impl<T> Stage<T> {
    pub(crate) fn work(&self, operation: impl Fn(&T)) -> u64 {
        self.started.fetch_add(1, SeqCst);
        let mut done = 0;
        while !self.stop.load(Relaxed) {
            operation(&self.object);
            done += 1;
        }
        done
    }
}

fn take(lock: &Lock) {
    drop(lock.lock().expect("nobody died"));
}

fn add_locked(value: &Value<u64>) {
    *value.lock().expect("nobody died") += 1;
}

fn add_atomically(value: &RawValue<AtomicU64>) {
    value.fetch_add(1, SeqCst);
}

#[carom::task]
fn take_on_stage(stage: Stage<Lock>, done: Connection<u64, u64>) {
    done.send(&stage.work(take)).expect("send");
}

#[carom::task]
fn add_locked_on_stage(stage: Stage<Value<u64>>, done: Connection<u64, u64>) {
    done.send(&stage.work(add_locked)).expect("send");
}

#[carom::task]
fn add_atomically_on_stage(stage: Stage<RawValue<AtomicU64>>, done: Connection<u64, u64>) {
    done.send(&stage.work(add_atomically)).expect("send");
}

/// Two processes at once take and release one lock.
pub(crate) fn lock_contended() {
    contended("lock_contended", "carom", || Lock::new().expect("memory"), take_on_stage);
}

/// Two processes at once add to one number.
pub(crate) fn shared_value() {
    contended("shared_value", "carom", || Value::new(0_u64).expect("memory"), add_locked_on_stage);
    let atomic = || RawValue::new(AtomicU64::new(0)).expect("memory");
    contended("shared_value", "carom/raw", atomic, add_atomically_on_stage);
}

/// How often two processes do it at once.
pub(crate) fn contended<T, K>(name: &str, peer: &str, object: impl Fn() -> T, task: K)
where
    K: carom::Task<Input = (Stage<T>, Connection<u64, u64>), Output = ()> + Copy,
    T: Clone,
{
    throughput(name, peer, "2-sides", "ops/s", || {
        let stage = Stage {
            object: object(),
            started: RawValue::new(AtomicU64::new(0)).expect("memory"),
            stop: RawValue::new(AtomicBool::new(false)).expect("memory"),
        };
        let sides = [(); 2].map(|()| {
            let (here, there) = pipe::<u64, u64>().expect("pipe");
            (Process::spawn(task, (stage.clone(), there)).expect("spawn"), here)
        });
        while stage.started.load(SeqCst) < 2 {
            std::hint::spin_loop();
        }
        let mut done = 0;
        let taken = seconds(|| {
            std::thread::sleep(DURATION);
            stage.stop.store(true, SeqCst);
            done = sides.iter().map(|(_, here)| here.recv().expect("recv")).sum();
        });
        for (process, _) in sides {
            process.join().expect("join").exit_ok().expect("success");
        }
        done as f64 / taken
    });
}

/// How many segments one process has received.
const NEW: usize = 240;

/// Sends arrays that are large enough to lie in segments of their own.
#[carom::task]
fn send_new(parent: Connection<Array<u64>, u64>, sent: Connection<u64, u64>) {
    let arrays: Vec<Array<u64>> = (0..NEW).map(|_| Array::zeroed(4 << 20).expect("memory")).collect();
    for array in &arrays {
        array.lock().expect("nobody died")[0] = 1;
    }
    for array in &arrays {
        parent.send(array).expect("send");
    }
    sent.send(&1).expect("send");
    // until the parent has gone away
    let _ = sent.recv();
}

/// The first use of a handle that was received: from its message to its value; of a segment that the receiver has
/// mapped already, and of one that is new to it.
pub(crate) fn attach() {
    let (here, there) = pipe::<Value<u64>, Value<u64>>().expect("pipe");
    let value = Value::new(1_u64).expect("memory");
    p50("attach", "carom/known", 2000, || {
        there.send(&value).expect("send");
        assert_eq!(here.recv().expect("recv").get().expect("nobody died"), 1);
    });
    let (here, there) = pipe::<u64, Array<u64>>().expect("pipe");
    let (sent, told) = pipe::<u64, u64>().expect("pipe");
    let process = Process::spawn(send_new, (there, told)).expect("spawn");
    sent.recv().expect("all are sent");
    let mut kept = Vec::new();
    p50("attach", "carom/new", NEW / 8, || {
        let array = here.recv().expect("recv");
        assert_eq!(array.lock().expect("nobody died")[0], 1);
        kept.push(array);
    });
    drop(sent);
    process.join().expect("join").exit_ok().expect("success");
    let plain = pipe::<u64, u64>().expect("pipe");
    p50("attach", "carom/plain-u64", 2000, || {
        plain.0.send(&1).expect("send");
        assert_eq!(plain.1.recv().expect("recv"), 1);
    });
}
