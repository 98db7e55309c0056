use carom::PipeBuilder;

fn main() {
    let (receiver, _sender) = PipeBuilder::new().one_way::<u64>().expect("a pipe");
    receiver.send_bytes(b"seven").expect("send");
}
