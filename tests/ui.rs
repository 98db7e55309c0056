//! What the compiler says to mistakes (`ui-tests/fail`), and what it accepts in silence
//! (`ui-tests/pass`, which are run as well).

#[test]
fn mistakes_are_explained() {
    let cases = trybuild::TestCases::new();
    cases.pass("ui-tests/pass/*.rs");
    cases.compile_fail("ui-tests/fail/*.rs");
}
