//! How long an object lives: as long as any process has a handle, or a message that can still be received.
use carom::{Array, Connection, Pool, Process, RawArray, RawValue, Receiver, Value, pipe};

use crate::common::{alone, watchdog};

const MEGA: usize = 1 << 20;

/// Makes many objects, which would take the places of those that are thought to have ended.
fn make_many() -> Vec<Value<u64>> {
    (0..1000).map(|_| Value::new(u64::MAX).expect("memory")).collect()
}

#[test]
fn an_object_in_a_message_lives_though_nobody_else_has_it() -> carom::Result<()> {
    let _watchdog = watchdog();
    let (to, from) = pipe::<Value<u64>, Value<u64>>()?;
    for i in 0..100 {
        to.send(&Value::new(i)?)?;
    }
    let many = make_many();
    for (i, value) in from.iter().take(100).enumerate() {
        assert_eq!(value?.get()?, i as u64);
    }
    assert!(many.iter().all(|value| value.get().expect("get") == u64::MAX));
    Ok(())
}

#[carom::task]
fn send_and_go(to: Connection<Array<u8>, Array<u8>>) {
    for i in 0..10 {
        to.send(&Array::filled(i, 100_000).expect("memory")).expect("send");
    }
    std::process::abort();
}

#[carom::test]
fn what_a_process_made_and_sent_outlives_it() -> carom::Result<()> {
    let _watchdog = watchdog();
    let (from, to) = pipe()?;
    let _ = Process::spawn(send_and_go, to)?.join()?;
    let arrays: Vec<Array<u8>> = from.iter().map_while(Result::ok).collect();
    assert_eq!(arrays.len(), 10);
    for (i, array) in arrays.iter().enumerate() {
        assert!(array.lock()?.iter().all(|n| usize::from(*n) == i));
    }
    // and goes on to others
    let pool = Pool::builder().processes(1).build()?;
    assert_eq!(pool.map(sum_of, arrays)?, (0..10).map(|i| i * 100_000).collect::<Vec<_>>());
    Ok(())
}

#[carom::task]
fn sum_of(array: Array<u8>) -> u64 {
    array.lock().expect("lock").iter().map(|n| u64::from(*n)).sum()
}

#[carom::task]
fn echo(values: Vec<Value<u64>>) -> Vec<Value<u64>> {
    values
}

#[carom::task]
fn receive_again() {
    let pool = Pool::builder().processes(1).build().expect("a pool");
    // these are given away, with no handle left here, and come back
    let values: Vec<_> = (0..100).map(|i| Value::new(i).expect("memory")).collect();
    let values = pool.apply(echo, values).expect("they come back");
    let check = |values: &[Value<u64>]| {
        for (i, value) in values.iter().enumerate() {
            assert_eq!(value.get().expect("get"), i as u64);
        }
    };
    check(&values);
    // as many others are given away and do not come back, so that it is looked which are in use
    for _ in 0..5 {
        let others: Vec<_> = (0..300).map(|_| Value::new(u64::MAX).expect("memory")).collect();
        pool.apply(drop_all, others).expect("they are dropped");
        let many = make_many();
        check(&values);
        drop(many);
    }
    // several times, and then for good
    let values = (0..5).fold(values, |values, _| pool.apply(echo, values).expect("they come back"));
    check(&values);
    drop(values);
    for _ in 0..5 {
        let fresh: Vec<_> = (0..500).map(|i| Value::new(i).expect("memory")).collect();
        let others: Vec<_> = (0..300).map(|_| Value::new(u64::MAX).expect("memory")).collect();
        pool.apply(drop_all, others).expect("they are dropped");
        drop(make_many());
        check(&fresh);
    }
}

#[carom::task]
fn drop_all(values: Vec<Value<u64>>) {
    drop(values);
}

#[carom::test]
fn an_object_that_comes_back_to_its_maker_stays() {
    let _watchdog = watchdog();
    alone(receive_again, ());
}

#[carom::task]
fn make_and_end(to: carom::Sender<(Value<u64>, RawArray<u8>)>) {
    to.send(&(Value::new(0).expect("memory"), RawArray::zeroed(20 * MEGA).expect("memory"))).expect("send");
}

#[carom::task]
fn go_on(value: Value<u64>, bytes: RawArray<u8>, turn: usize) {
    for i in 0..1000 {
        *value.lock().expect("lock") += 1;
        bytes.set(3 * (i * 1000 + turn), 1).expect("it is there");
    }
}

#[carom::test]
fn others_go_on_when_the_process_that_made_it_has_ended() -> carom::Result<()> {
    let _watchdog = watchdog();
    let (from, to): (Receiver<(Value<u64>, RawArray<u8>)>, _) = carom::PipeBuilder::new().one_way()?;
    Process::spawn(make_and_end, to)?.join()?.exit_ok()?;
    let (value, bytes) = from.recv()?;
    let processes: Vec<_> =
        (0..3).map(|turn| Process::spawn(go_on, (value.clone(), bytes.clone(), turn))).collect::<Result<_, _>>()?;
    for process in processes {
        process.join()?.exit_ok()?;
    }
    assert_eq!(value.get()?, 3000);
    assert_eq!(bytes.iter().filter(|byte| *byte == 1).count(), 3000);
    Ok(())
}

#[carom::task]
fn swap(held: Vec<RawValue<u64>>, others: Vec<RawValue<u64>>) -> (Vec<RawValue<u64>>, u64) {
    drop(held);
    let sum = others.iter().map(RawValue::load).sum();
    (others, sum)
}

#[carom::test]
fn handles_that_are_dropped_here_and_there_in_any_order_end_nothing_that_is_in_use() -> carom::Result<()> {
    let _watchdog = watchdog();
    let pool = Pool::builder().processes(2).build()?;
    let mut number = crate::common::numbers(3);
    let mut kept: Vec<(u64, RawValue<u64>)> = Vec::new();
    for round in 0..100_u64 {
        for i in 0..40 {
            kept.push((round * 40 + i, RawValue::new(round * 40 + i)?));
        }
        let mut pick = |count| -> Vec<(u64, RawValue<u64>)> {
            (0..count).map(|_| kept.swap_remove(number(kept.len() as u64) as usize)).collect()
        };
        let (gone, there) = (pick(15), pick(20));
        let (expected, handles): (Vec<u64>, Vec<_>) = there.into_iter().unzip();
        let (back, sum) = pool.apply(swap, (gone.into_iter().map(|(_, value)| value).collect(), handles))?;
        assert_eq!(sum, expected.iter().sum());
        kept.extend(expected.into_iter().zip(back));
        for (expected, value) in &kept {
            assert_eq!(value.load(), *expected, "in round {round}");
        }
    }
    Ok(())
}

/// Sends back what it gets, some of it later than what it got after it.
#[carom::task]
fn send_back(carriers: Vec<Connection<Numbered, Numbered>>) {
    std::thread::scope(|scope| {
        for (i, carrier) in carriers.into_iter().enumerate() {
            scope.spawn(move || {
                let mut number = crate::common::numbers(i as u64);
                let mut held = Vec::new();
                for message in carrier.iter().map_while(Result::ok) {
                    held.push(message);
                    let (expected, value) = held.swap_remove(number(held.len() as u64) as usize);
                    assert_eq!(value.load(), expected);
                    carrier.send(&(expected, value)).expect("send");
                    held.truncate(5);
                }
            });
        }
    });
}

type Numbered = (u64, RawValue<u64>);

#[carom::test]
fn many_threads_of_two_processes_make_send_and_drop_at_once() -> carom::Result<()> {
    let _watchdog = crate::common::watchdog_after(3 * crate::common::LONG);
    let (ours, theirs): (Vec<_>, Vec<_>) = (0..4).map(|_| pipe().expect("pipe")).unzip();
    let process = Process::spawn(send_back, theirs)?;
    std::thread::scope(|scope| {
        for (thread, carrier) in ours.into_iter().enumerate() {
            scope.spawn(move || {
                let carrier: Connection<Numbered, Numbered> = carrier;
                let mut kept = Vec::new();
                for i in 0..2000 {
                    let expected = (thread as u64) << 32 | i;
                    carrier.send(&(expected, RawValue::new(expected).expect("memory"))).expect("send");
                    kept.push(carrier.recv().expect("recv"));
                    kept.iter().for_each(|(expected, value)| assert_eq!(value.load(), *expected));
                    if kept.len() > 7 {
                        kept.drain(2..6);
                    }
                }
            });
        }
    });
    process.join()?.exit_ok()?;
    Ok(())
}
