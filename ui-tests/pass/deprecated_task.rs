//! A deprecated task warns where it is used, and not where it is defined.
#![deny(warnings)]

#[carom::task]
#[deprecated(note = "use `square`")]
fn sqr(x: u64) -> u64 {
    x * x
}

mod old {
    #![deny(deprecated)]

    #[carom::task(timeout = "5s")]
    #[deprecated]
    pub(crate) fn unused(_path: String, _size: u64) -> Result<u64, String> {
        Ok(1)
    }
}

#[carom::main]
fn main() -> carom::Result<()> {
    #[expect(deprecated)]
    let nine = sqr(3);
    assert_eq!(nine, 9);
    #[expect(deprecated)]
    let process = carom::Process::spawn(sqr, 3)?;
    assert!(process.join()?.success());
    #[expect(deprecated)]
    old::unused(String::new(), 1).expect("ok");
    Ok(())
}
