//! Program 1: one process sends four strings and closes; another receives until end of file.
use carom::{PipeBuilder, Process, Receiver, RecvError, RemoteError, Sender};

use crate::common::{stdout_of, watchdog};

#[carom::task]
fn send_messages(messages: Sender<String>) -> Result<(), RemoteError> {
    for message in ["Hello", "from", "the", "sender"] {
        messages.send(&message.to_owned())?;
    }
    messages.close();
    Ok(())
}

#[carom::task]
fn receive_messages(messages: Receiver<String>) -> Result<(), RemoteError> {
    loop {
        match messages.recv() {
            Ok(message) => println!("received: {message}"),
            Err(RecvError::EndOfFile) => break,
            Err(error) => return Err(error.into()),
        }
    }
    println!("end of file");
    Ok(())
}

#[carom::test]
fn four_strings_arrive_in_order_and_then_the_end() {
    let _watchdog = watchdog();
    let (receiver, sender) = PipeBuilder::new().one_way().expect("pipe");
    let sending = Process::spawn(send_messages, sender).expect("spawn");
    let (text, status) = stdout_of(Process::builder(), receive_messages, receiver);
    assert_eq!(text, "received: Hello\nreceived: from\nreceived: the\nreceived: sender\nend of file\n");
    assert_eq!(status.code(), Some(0));
    assert_eq!(sending.join().expect("join").code(), Some(0));
}
