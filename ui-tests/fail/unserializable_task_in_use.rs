use carom::Process;

struct Image(Vec<u8>);

#[carom::task]
fn show(image: Image) {
    println!("{:?}", image.0);
}

fn main() {
    show(Image(vec![]));
    let _ = Process::spawn(show, Image(vec![]));
}
