use std::net::Ipv4Addr;

#[carom::shared]
struct Host {
    address: Ipv4Addr,
    port: u16,
}

fn main() {}
