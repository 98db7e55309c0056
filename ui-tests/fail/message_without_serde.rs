use carom::{Connection, pipe};

struct Image;

fn main() {
    let (connection, _other): (Connection, Connection) = pipe().expect("a pipe");
    connection.send(&Image).expect("send");
}
