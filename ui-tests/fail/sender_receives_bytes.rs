use carom::PipeBuilder;

fn main() {
    let (_receiver, sender) = PipeBuilder::new().one_way::<u64>().expect("a pipe");
    let bytes = sender.recv_bytes(None).expect("bytes");
    println!("{bytes:?}");
}
