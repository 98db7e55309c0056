//! Program 6: a service process answers requests until its pipe closes or it is terminated.
use carom::{Connection, Process, RecvError, RemoteError, pipe};

use crate::common::{watchdog, zombies};

#[carom::task]
fn serve(requests: Connection<String, String>) -> Result<(), RemoteError> {
    for request in requests.iter() {
        requests.send(&format!("processed: {}", request?))?;
    }
    Ok(())
}

#[track_caller]
fn three_answers(service: &Connection<String, String>) {
    for request in ["status", "data", "stop"] {
        service.send(&request.to_owned()).expect("send");
        assert_eq!(service.recv().expect("an answer"), format!("processed: {request}"));
    }
}

#[carom::test]
fn a_service_gives_three_answers_and_ends_when_its_pipe_closes() {
    let _watchdog = watchdog();
    let (client, server) = pipe().expect("pipe");
    let service = Process::spawn(serve, server).expect("spawn");
    three_answers(&client);
    assert!(service.is_alive());
    client.close();
    assert_eq!(service.join().expect("join").code(), Some(0));
}

#[carom::test]
fn a_terminated_service_is_reaped_with_its_signal_and_its_client_finds_the_end() {
    let _watchdog = watchdog();
    let (client, server) = pipe().expect("pipe");
    let service = Process::spawn(serve, server).expect("spawn");
    three_answers(&client);
    service.terminate().expect("terminate");
    assert_eq!(service.join().expect("join").signal(), Some(libc::SIGTERM));
    assert!(!zombies().contains(&service.pid()), "reaped");
    assert!(matches!(client.recv(), Err(RecvError::EndOfFile)));
}
