//! Messages over a pipe to another process.

use std::time::Instant;

use carom::{Connection, PipeBuilder, Process, Receiver, SendError, Sender, Task, Untyped, pipe};

use crate::report::{latency, throughput};

#[carom::task]
fn echo(connection: Connection) {
    let mut buffer = [0; 64];
    while let Ok(length) = connection.recv_bytes_into(&mut buffer) {
        connection.send_bytes(&buffer[..length]).expect("send");
    }
}

#[carom::task]
fn echo_objects(connection: Connection<(u64, u64), (u64, u64)>) {
    for pair in connection.iter() {
        connection.send(&pair.expect("receive")).expect("send");
    }
}

/// 16 bytes there and back.
pub(crate) fn pipe_rtt() {
    let (mine, theirs) = pipe::<Untyped, Untyped>().expect("pipe");
    let process = Process::spawn(echo, theirs).expect("spawn");
    let mut buffer = [7; 16];
    latency("pipe_rtt", "carom/spawn", 5_000, || {
        mine.send_bytes(&buffer).expect("send");
        assert_eq!(mine.recv_bytes_into(&mut buffer).expect("receive"), 16);
    });
    mine.close();
    process.join().expect("join").exit_ok().expect("exit");

    let (mine, theirs) = pipe().expect("pipe");
    let process = Process::spawn(echo_objects, theirs).expect("spawn");
    latency("pipe_rtt", "carom/spawn(objects)", 5_000, || {
        mine.send(&(1, u64::MAX)).expect("send");
        assert_eq!(mine.recv().expect("receive"), (1, u64::MAX));
    });
    mine.close();
    process.join().expect("join").exit_ok().expect("exit");
}

#[carom::task]
fn swallow(from: Receiver<Untyped>, count: usize, size: usize, done: Sender<()>) {
    let mut buffer = vec![0; size];
    done.send(&()).expect("send");
    for _ in 0..count {
        assert_eq!(from.recv_bytes_into(&mut buffer).expect("receive"), size);
    }
    done.send(&()).expect("send");
}

#[carom::task]
fn swallow_vectors(from: Receiver<Vec<u8>>, count: usize, size: usize, done: Sender<()>) {
    done.send(&()).expect("send");
    for _ in 0..count {
        assert_eq!(from.recv().expect("receive").len(), size);
    }
    done.send(&()).expect("send");
}

/// Messages one way.
pub(crate) fn pipe_bw() {
    for (size, metric) in [(64 << 10, "64KiB"), (1 << 20, "1MiB")] {
        let message = vec![5u8; size];
        one_way("carom/spawn", metric, size, swallow, |to: &Sender<Untyped>| to.send_bytes(&message));
        one_way("carom/spawn(objects)", metric, size, swallow_vectors, |to: &Sender<Vec<u8>>| to.send(&message));
    }
}

fn one_way<M, T>(peer: &str, metric: &str, size: usize, task: T, send: impl Fn(&Sender<M>) -> Result<(), SendError>)
where
    T: Task<Input = (Receiver<M>, usize, usize, Sender<()>)>,
{
    let count = (1usize << 27) / size;
    throughput("pipe_bw", peer, metric, "MB/s", || {
        let (from, to) = PipeBuilder::new().one_way::<M>().expect("pipe");
        let (done, theirs) = PipeBuilder::new().one_way().expect("pipe");
        let process = Process::spawn(task, (from, count, size, theirs)).expect("spawn");
        // the start of the process is not what is timed
        done.recv().expect("ready");
        let start = Instant::now();
        (0..count).for_each(|_| send(&to).expect("send"));
        done.recv().expect("done");
        let seconds = start.elapsed().as_secs_f64();
        process.join().expect("join").exit_ok().expect("exit");
        (count * size) as f64 / 1e6 / seconds
    });
}
