//! Workers that overwrite the memory that they share with the pool.

use crate::common::watchdog;
use crate::losses::all_stand;
use crate::stage::pool_of;

/// Writes these bytes over all that this worker shares with the pool and can write.
#[carom::task]
fn overwrite(byte: u8) -> u32 {
    let maps = std::fs::read_to_string("/proc/self/maps").expect("the maps");
    let mut found = 0;
    for line in maps.lines().filter(|line| line.contains("carom-worker") && line.contains(" rw-s ")) {
        let (start, end) = line.split(' ').next().and_then(|range| range.split_once('-')).expect("a range");
        let [start, end] = [start, end].map(|number| usize::from_str_radix(number, 16).expect("a number"));
        // SAFETY: it is mapped to be written. That nothing good comes of it is what is tested.
        unsafe { std::ptr::write_bytes(std::ptr::with_exposed_provenance_mut::<u8>(start), byte, end - start) };
        found += 1;
    }
    found
}

#[carom::test]
fn a_worker_that_overwrites_what_it_shares_costs_its_own_call_and_no_other() {
    let _watchdog = watchdog();
    let pool = pool_of(2);
    for byte in [0, 1, 0x7f, 0xff] {
        // it may not notice, and then the pool need not either
        match pool.apply(overwrite, byte) {
            Ok(found) => assert!(found > 0 && byte < 0x7f, "{byte:#x}"),
            Err(error) => assert!(error.worker_lost().is_some(), "{error}"),
        }
        all_stand(&pool);
    }
}
