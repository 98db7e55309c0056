use std::fs::File;

use carom::{Connection, pipe};

fn main() {
    let (connection, _other): (Connection, Connection) = pipe().expect("a pipe");
    let file = File::open("/dev/null").expect("a file");
    connection.send(&file).expect("send");
}
