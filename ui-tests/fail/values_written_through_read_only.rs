use carom::SharedMemory;

fn main() -> carom::Result<()> {
    let memory = SharedMemory::create(10)?.read_only();
    memory.write(0, b"text")?;
    Ok(())
}
