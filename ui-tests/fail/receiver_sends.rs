use carom::PipeBuilder;

fn main() {
    let (receiver, _sender) = PipeBuilder::new().one_way::<u64>().expect("a pipe");
    receiver.send(&7).expect("send");
}
