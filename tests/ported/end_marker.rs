//! Programs 5 and 21: the receiver ends by a message that says so, and not by the end of the pipe.
use carom::{PipeBuilder, Process, Receiver, RemoteError, Sender};

use crate::common::{stdout_of, until_disconnected, watchdog};

#[carom::task]
fn produce(items: Sender<Option<u32>>) -> Result<(), RemoteError> {
    for item in 0..5 {
        items.send(&Some(item))?;
    }
    Ok(items.send(&None)?)
}

#[carom::task]
fn consume(items: Receiver<Option<u32>>) -> Result<(), RemoteError> {
    // the end of the pipe, if it came before the marker, would be an error here
    while let Some(item) = items.recv()? {
        println!("consumed {item}");
    }
    Ok(())
}

/// Program 5.
#[carom::test]
fn the_consumer_gets_all_items_in_order_and_ends_by_the_marker() {
    let _watchdog = watchdog();
    let (items, items_in) = PipeBuilder::new().one_way().expect("pipe");
    let producer = Process::spawn(produce, items_in).expect("spawn");
    let (text, status) = stdout_of(Process::builder(), consume, items);
    assert_eq!(text, "consumed 0\nconsumed 1\nconsumed 2\nconsumed 3\nconsumed 4\n");
    assert_eq!(status.code(), Some(0));
    assert_eq!(producer.join().expect("join").code(), Some(0));
}

#[carom::task]
fn print_until_done(messages: Receiver<String>) -> Result<(), RemoteError> {
    loop {
        match messages.recv()?.as_str() {
            "DONE" => return Ok(()),
            message => println!("{message}"),
        }
    }
}

/// Program 21.
#[carom::test]
fn the_receiver_ends_on_done_while_the_pipe_is_still_open() {
    let _watchdog = watchdog();
    let (messages, messages_in) = PipeBuilder::new().one_way().expect("pipe");
    for message in ["one", "two", "DONE", "never printed"] {
        messages_in.send(&message.to_owned()).expect("send");
    }
    let (text, status) = stdout_of(Process::builder(), print_until_done, messages);
    assert_eq!(text, "one\ntwo\n");
    assert_eq!(status.code(), Some(0));
    until_disconnected(&messages_in);
    assert!(matches!(messages_in.send(&"more".to_owned()), Err(carom::SendError::Disconnected)));
}
