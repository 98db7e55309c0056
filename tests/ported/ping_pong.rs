//! Program 22: two processes play three rounds over one duplex pipe.
use std::io::Read;

use carom::{Connection, Process, RemoteError, pipe};
use serde::{Deserialize, Serialize};

use crate::common::watchdog;

#[derive(Debug, Serialize, Deserialize)]
struct Ping(u32);

#[derive(Debug, Serialize, Deserialize)]
struct Pong(u32);

#[carom::task]
fn play_ping(other: Connection<Ping, Pong>) -> Result<(), RemoteError> {
    for round in 1..=3 {
        other.send(&Ping(round))?;
        println!("{:?}", other.recv()?);
    }
    Ok(())
}

#[carom::task]
fn play_pong(other: Connection<Pong, Ping>) -> Result<(), RemoteError> {
    for ping in other.iter() {
        let Ping(round) = ping?;
        // before the answer, so that the lines of the two processes come in turn
        println!("{:?}", Ping(round));
        other.send(&Pong(round))?;
    }
    Ok(())
}

#[carom::test]
fn six_messages_come_in_turn() {
    let _watchdog = watchdog();
    let (ping, pong) = pipe().expect("pipe");
    let (mut output, writer) = std::io::pipe().expect("pipe");
    let stdout = writer.try_clone().expect("clone");
    let players = [
        Process::builder().name("ping").stdout(stdout).spawn(play_ping, ping).expect("spawn"),
        Process::builder().name("pong").stdout(writer).spawn(play_pong, pong).expect("spawn"),
    ];
    let mut text = String::new();
    output.read_to_string(&mut text).expect("read");
    assert_eq!(text, "Ping(1)\nPong(1)\nPing(2)\nPong(2)\nPing(3)\nPong(3)\n");
    for player in players {
        assert_eq!(player.join().expect("join").code(), Some(0), "{}", player.name());
    }
}
