//! `ShareableList`.

use carom::{Item, ListError, MemoryError, Process, RemoteError, ShareableList, SharedMemory};

use super::common;
use super::names::{file, name};

fn items() -> [Item; 7] {
    let text = "Grüße aus 東京 \0 und\0\0";
    [text.into(), b"\0\xff\0".as_slice().into(), i64::MIN.into(), (-0.5).into(), true.into(), Item::None, "".into()]
}

#[test]
fn text_with_nuls_and_of_many_bytes_comes_out_as_it_went_in() -> carom::Result<()> {
    let list = ShareableList::new(items())?;
    assert_eq!(list.to_vec(), items());
    assert!(list.iter().eq(items()));
    assert_eq!(list.len(), 7);
    assert_eq!(list.get(7), None);
    assert!(!list.is_empty() && ShareableList::new::<i64>([])?.is_empty());
    Ok(())
}

#[test]
fn a_place_takes_another_type_but_no_more_bytes() -> carom::Result<()> {
    let list = ShareableList::new(["äöüß", "x"])?;
    assert_eq!((list.capacity(0), list.capacity(1), list.capacity(2)), (Some(8), Some(8), None));
    for item in [Item::None, 7.into(), 0.25.into(), false.into(), "12345678".into(), vec![0; 8].into()] {
        list.set(0, item.clone())?;
        assert_eq!(list.get(0), Some(item));
    }
    // by bytes, not by characters
    let error = list.set(0, "äöüße").expect_err("nine bytes");
    assert_eq!(error, ListError::TooLong { index: 0, len: 9, capacity: 8 });
    assert_eq!(list.set(2, 1), Err(ListError::NoSuchPlace { index: 2, len: 2 }));
    assert_eq!(list.to_vec(), [vec![0; 8].into(), Item::from("x")]);
    Ok(())
}

#[test]
fn values_are_found_and_counted() -> carom::Result<()> {
    let list = ShareableList::new([1, 2, 1, 3])?;
    assert_eq!((list.count(&1.into()), list.count(&9.into())), (2, 0));
    assert_eq!((list.index_of(&3.into()), list.index_of(&"3".into())), (Some(3), None));
    Ok(())
}

#[carom::task]
fn double(list: ShareableList, name: String) -> Result<(), RemoteError> {
    let same = ShareableList::attach(&name)?;
    for (index, item) in list.iter().enumerate() {
        if let Item::Int(number) = item {
            same.set(index, 2 * number)?;
        }
    }
    Ok(())
}

#[carom::test]
fn it_is_found_by_its_name_and_sent_as_a_handle() -> carom::Result<()> {
    let _watchdog = common::watchdog();
    let name = name();
    let list = ShareableList::create_named(&name, [1, 20, 300])?;
    Process::spawn(double, (list.clone(), name.clone()))?.join()?.exit_ok()?;
    assert_eq!(list.to_vec(), [2, 40, 600].map(Item::from));
    assert_eq!(list.memory().name(), Some(&*name));
    list.memory().unlink()?;
    assert!(!file(&name).exists());
    assert!(matches!(ShareableList::attach(&name), Err(MemoryError::NotFound { .. })));
    Ok(())
}

#[test]
fn memory_that_is_no_list_is_not_taken_for_one() -> carom::Result<()> {
    let list = ShareableList::new(["text", "more"])?;
    let bytes = list.memory().to_vec();
    let refused = |bytes: &[u8]| {
        let memory = SharedMemory::create(bytes.len()).expect("memory");
        memory.write(0, bytes).expect("within");
        assert!(matches!(ShareableList::from_memory(&memory), Err(MemoryError::Unfit { .. })));
    };
    refused(&[1]);
    refused(&[0; 4096]);
    for len in [8, 16, 24, 60, bytes.len() - 1] {
        refused(&bytes[..len]);
    }
    // numbers that point elsewhere: how many places, where their bytes are, how many
    for word in [1, 2, 3, 5, 6] {
        for value in [u64::MAX, u64::MAX / 24, 1 << 40] {
            let mut bytes = bytes.clone();
            bytes[word * 8..][..8].copy_from_slice(&value.to_ne_bytes());
            refused(&bytes);
        }
    }
    Ok(())
}

/// Memory in which 506 places fill all there is, so that the state of the last one would lie outside.
#[test]
fn places_that_reach_over_the_end_or_over_the_table_are_refused() -> carom::Result<()> {
    let magic = ShareableList::new([1])?.memory().to_vec()[..8].to_vec();
    let list = |count: u64, offset: u64, capacity: u64| {
        let memory = SharedMemory::create(12_288).expect("memory");
        memory.write(0, &magic).expect("within");
        memory.write(8, &count.to_ne_bytes()).expect("within");
        for i in 0..count.min(511) as usize {
            memory.write(16 + 24 * i, &[offset.to_ne_bytes(), capacity.to_ne_bytes()].concat()).expect("within");
        }
        ShareableList::from_memory(&memory)
    };
    assert!(list(1, 40, 8).is_ok());
    for (count, offset, capacity) in
        [(512, 12_288, 0), (511, 12_272, 0), (1, 16, 8), (1, 39, 8), (2, 40, 8), (1, 12_280, 8)]
    {
        let refused = list(count, offset, capacity);
        assert!(matches!(refused, Err(MemoryError::Unfit { .. })), "{count} {offset} {capacity}: {refused:?}");
    }
    Ok(())
}

#[test]
fn what_others_wrote_over_it_is_read_without_harm() -> carom::Result<()> {
    let list = ShareableList::new(["text", "more"])?;
    // a state of more bytes than there are, of a kind that does not exist, and text that is none
    list.memory().write(16 + 16, &u64::MAX.to_ne_bytes())?;
    list.memory().write(16 + 48, &[0xff; 32])?;
    assert_eq!(list.to_vec().len(), 2);
    list.set(0, "good")?;
    assert_eq!(list.get(0), Some("good".into()));
    Ok(())
}

/// Changes a place from one text to another, until it is killed.
#[carom::task]
fn change(list: ShareableList) {
    for text in [&*"a".repeat(4000), &*"b".repeat(3000)].into_iter().cycle() {
        list.set(0, text).expect("it fits");
    }
}

#[carom::test]
fn who_is_killed_while_writing_leaves_the_old_or_the_new() -> carom::Result<()> {
    let _watchdog = common::watchdog();
    let list = ShareableList::new(["a".repeat(4000)])?;
    for round in 0..50 {
        let process = Process::spawn(change, list.clone())?;
        let before = list.get(0);
        common::eventually("it changes", || list.get(0) != before);
        (0..round * 100).for_each(|_| std::hint::spin_loop());
        process.kill()?;
        assert!(!process.join()?.success());
        let Some(Item::Str(text)) = list.get(0) else { panic!("it is text") };
        let whole = text == "a".repeat(4000) || text == "b".repeat(3000);
        assert!(whole, "round {round}: {} bytes, {:?}", text.len(), text.get(..1));
    }
    Ok(())
}

#[test]
fn an_item_tells_what_it_is() {
    let items = items();
    assert_eq!(items[0].as_str(), Some("Grüße aus 東京 \0 und\0\0"));
    assert_eq!(items[1].as_bytes(), Some(&b"\0\xff\0"[..]));
    assert_eq!((items[2].as_int(), items[3].as_float(), items[4].as_bool()), (Some(i64::MIN), Some(-0.5), Some(true)));
    assert_eq!((items[5].as_int(), items[5].as_str(), items[0].as_bytes()), (None, None, None));
    assert_eq!((Item::from(7_u8), Item::from(0.5_f32), Item::from(Some("x"))), (7.into(), 0.5.into(), "x".into()));
}
