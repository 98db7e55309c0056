use carom::PipeBuilder;

fn main() {
    let (_receiver, sender) = PipeBuilder::new().one_way::<u64>().expect("a pipe");
    let number: u64 = sender.recv().expect("a number");
    println!("{number}");
}
