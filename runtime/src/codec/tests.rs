//! What goes in comes out, and what should not come in does not.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Debug;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{DEPTH, Reader, Writer};

fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.write(value).expect("encode");
    writer.into_parts().0
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    let mut reader = Reader::new(bytes);
    let value = reader.read().map_err(|error| error.reason)?;
    assert!(reader.rest().is_empty());
    Ok(value)
}

#[track_caller]
fn round<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: T) {
    assert_eq!(decode::<T>(&encode(&value)).as_ref(), Ok(&value));
}

fn refusal<T: Serialize>(value: &T) -> String {
    Writer::default().write(value).expect_err("it cannot be encoded").reason
}

#[derive(Serialize, Deserialize, PartialEq, Debug, Clone)]
enum Shape {
    Unit,
    New(Box<Option<Shape>>),
    Tuple(u8, Vec<f64>),
    Struct { name: String, points: Vec<(i32, i32)> },
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Everything {
    numbers: (bool, i8, u16, i32, u64, i128, f32, f64, char),
    wrapped: Option<Vec<Option<String>>>,
    shapes: Vec<Shape>,
    map: BTreeMap<String, Vec<u8>>,
    unit: (),
    array: [u16; 3],
    unicode: String,
}

#[test]
fn values_of_every_shape_come_out_as_they_went_in() {
    round(Everything {
        numbers: (true, -1, 2, i32::MIN, u64::MAX, i128::MIN, 0.5, f64::MIN_POSITIVE, 'ß'),
        wrapped: Some(vec![None, Some(String::new())]),
        shapes: vec![
            Shape::Unit,
            Shape::New(Box::new(Some(Shape::Tuple(1, vec![1.5])))),
            Shape::Struct { name: "n\0".to_owned(), points: vec![(1, -1); 3] },
        ],
        map: BTreeMap::from([("a".to_owned(), vec![1, 2]), (String::new(), vec![])]),
        unit: (),
        array: [1, 2, 3],
        unicode: "grüße".to_owned(),
    });
}

#[test]
fn vectors_of_numbers_are_blocks_wherever_they_stand() {
    let numbers: Vec<u64> = (0..1000).map(|i| i << 40).collect();
    let bytes = encode(&numbers);
    // head, kind and length of the bytes before them
    assert!(bytes.len() <= 8000 + 12, "{}", bytes.len());
    assert!(bytes.ends_with(&(999u64 << 40).to_le_bytes()));
    round(numbers.clone());
    round((Some(numbers.clone()), vec![numbers.clone(), vec![]], BTreeMap::from([(1, vec![0.1f64; 9])])));
    round((vec![1u8], vec![1u16], vec![1u32], vec![1u128], vec![1usize]));
    round((vec![-1i8], vec![-1i16], vec![-1i32], vec![-1i64], vec![-1i128], vec![-1isize], vec![0.1f32]));
    assert_eq!(decode::<Vec<u8>>(&encode(&[1u8, 2, 3].as_slice())), Ok(vec![1, 2, 3]));
    assert_eq!(decode::<Box<[f64]>>(&encode(&vec![1.5f64])).as_deref(), Ok(&[1.5][..]));
}

#[test]
fn other_sequences_of_numbers_read_blocks_and_write_what_vectors_read() {
    let numbers = vec![1u32, 2, 3];
    assert_eq!(decode::<VecDeque<u32>>(&encode(&numbers)), Ok(VecDeque::from(numbers.clone())));
    assert_eq!(decode::<Vec<u32>>(&encode(&VecDeque::from(numbers.clone()))), Ok(numbers.clone()));
    // the numbers of a block are read as those of a sequence would be, and refused where those would be
    assert_eq!(decode::<VecDeque<u64>>(&encode(&numbers)), Ok(VecDeque::from([1, 2, 3])));
    assert!(decode::<Vec<String>>(&encode(&numbers)).is_err());
}

/// A vector whose decoding does more than to collect.
#[derive(PartialEq, Debug)]
struct Sorted(Vec<u32>);

impl Serialize for Sorted {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Sorted {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Sorter;
        impl<'de> serde::de::Visitor<'de> for Sorter {
            type Value = Vec<u32>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("numbers")
            }
            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut access: A) -> Result<Vec<u32>, A::Error> {
                let mut numbers = Vec::new();
                while let Some(number) = access.next_element()? {
                    numbers.push(number);
                }
                numbers.sort_unstable();
                Ok(numbers)
            }
        }
        deserializer.deserialize_seq(Sorter).map(Sorted)
    }
}

#[test]
fn a_visitor_of_the_users_own_is_not_passed_by() {
    assert_eq!(decode::<Sorted>(&encode(&vec![3u32, 1, 2])), Ok(Sorted(vec![1, 2, 3])));
}

#[test]
fn serdes_visitor_of_a_vector_is_recognised() {
    struct Probe;
    #[derive(Debug)]
    struct Found(bool);
    impl std::fmt::Display for Found {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "{}", self.0)
        }
    }
    impl std::error::Error for Found {}
    impl serde::de::Error for Found {
        fn custom<T: std::fmt::Display>(_: T) -> Self {
            Found(false)
        }
    }
    impl<'de> serde::Deserializer<'de> for Probe {
        type Error = Found;
        fn deserialize_any<V: serde::de::Visitor<'de>>(self, _: V) -> Result<V::Value, Found> {
            Err(Found(super::block::wants_vector::<V, u64>()))
        }
        serde::forward_to_deserialize_any! {
            bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
            newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
        }
    }
    // if a new serde renames its parts, blocks are still right, but slow
    assert!(Vec::<u64>::deserialize(Probe).is_err_and(|found| found.0));
    assert!(Vec::<u32>::deserialize(Probe).is_err_and(|found| !found.0));
    assert!(VecDeque::<u64>::deserialize(Probe).is_err_and(|found| !found.0));
}

#[test]
fn values_follow_one_another() {
    let mut writer = Writer::default();
    writer.write(&7u32).expect("encode");
    writer.write(&Some("seven".to_owned())).expect("encode");
    let bytes = writer.into_parts().0;
    let mut reader = Reader::new(&bytes);
    assert_eq!(reader.read::<u32>(), Ok(7));
    assert_eq!(reader.read::<Option<String>>(), Ok(Some("seven".to_owned())));
    assert!(reader.rest().is_empty());
}

#[test]
fn truncated_and_changed_bytes_are_errors_or_other_values_and_nothing_worse() {
    let value =
        (vec![1u64; 9], Some(Shape::Struct { name: "x".to_owned(), points: vec![(1, 2)] }), vec![String::new()]);
    let bytes = encode(&value);
    type Value = (Vec<u64>, Option<Shape>, Vec<String>);
    for length in 0..bytes.len() {
        assert!(Reader::new(&bytes[..length]).read::<Value>().is_err(), "{length}");
    }
    for at in 0..bytes.len() {
        for change in [1, 0x80, 0xff] {
            let mut changed = bytes.clone();
            changed[at] ^= change;
            let _ = Reader::new(&changed).read::<Value>();
        }
    }
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Job {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    level: Option<u8>,
    id: u8,
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
#[serde(untagged)]
enum Untagged {
    Number(u8),
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
#[serde(tag = "type")]
enum Tagged {
    Job(Job),
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Flat {
    #[serde(flatten)]
    rest: BTreeMap<String, u8>,
}

#[test]
fn what_needs_names_is_refused_with_the_reason() {
    let job = |level| Job { level, id: 1 };
    round(job(Some(2)));
    assert!(refusal(&job(None)).starts_with("its field `level` is left out at times"), "{}", refusal(&job(None)));
    let flat = Flat { rest: BTreeMap::new() };
    assert!(refusal(&flat).contains("serde's `flatten`"), "{}", refusal(&flat));
    let refused = decode::<Untagged>(&encode(&Untagged::Number(1))).expect_err("it would have to guess");
    assert!(refused.contains("as with serde's `untagged`"), "{refused}");
    let refused = decode::<Tagged>(&encode(&Tagged::Job(job(Some(1))))).expect_err("it would have to guess");
    assert!(refused.contains("`tag`"), "{refused}");
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Chain(Option<Box<Chain>>);

fn chain(length: usize) -> Chain {
    (1..length).fold(Chain(None), |next, _| Chain(Some(Box::new(next))))
}

#[test]
fn nesting_is_bounded_both_ways() {
    // each link is a struct and an option
    round(chain(DEPTH / 2));
    // what ends the nesting counts in both directions alike
    let mut leaf = Shape::Unit;
    while Writer::default().write(&leaf).is_ok() {
        round(leaf.clone());
        leaf = Shape::New(Box::new(Some(leaf)));
    }
    assert!(refusal(&chain(DEPTH / 2 + 1)).contains("nest deeper than 128"));
    for depth in [DEPTH / 2 + 1, 1_000_000] {
        let error = decode::<Chain>(&vec![1; depth]).expect_err("too deep");
        assert!(error.contains("nest deeper than 128"), "{error}");
    }
}

#[test]
fn bombs_do_not_go_off() {
    let head = |count: u64| encode(&(2 * count));
    let too_many = "they claim more elements than they have";
    let claims = |count| decode::<Vec<()>>(&head(count));
    assert_eq!(claims(1000), Ok(vec![(); 1000]));
    for count in [1 << 24, 1 << 60, u64::MAX / 2] {
        assert_eq!(claims(count), Err(too_many.to_owned()));
        assert!(decode::<Vec<String>>(&head(count)).is_err());
        assert!(decode::<Vec<[(); 8]>>(&head(count)).is_err());
        assert!(decode::<Vec<u64>>(&head(count)).is_err());
        assert!(decode::<BTreeMap<(), ()>>(&encode(&count)).is_err());
        assert!(decode::<String>(&encode(&count)).is_err());
        assert!(decode::<Vec<u64>>(&encode(&(2 * count - 1))).is_err());
        assert!(decode::<Vec<u64>>(&[encode(&(2 * count - 1)), vec![4], encode(&count)].concat()).is_err());
    }
    // units in units: the budget is one for all
    let units = [head(60_000), head(600_000).repeat(60_000)].concat();
    assert_eq!(decode::<Vec<Vec<()>>>(&units), Err(too_many.to_owned()));
    // a kilobyte for each byte
    let empty = [head(1 << 20), vec![0; 1 << 20]].concat();
    let fat = Reader::new(&empty).read::<Vec<Option<([u64; 32], [u64; 32], [u64; 32], [u64; 32])>>>();
    assert_eq!(fat.map(|_| ()).expect_err("a gigabyte").reason, "they would take too much memory");
    type Boxed = Box<Option<([u64; 32], [u64; 32], [u64; 32], [u64; 32])>>;
    let fat = Reader::new(&empty).read::<Vec<Boxed>>();
    assert_eq!(fat.map(|_| ()).expect_err("a gigabyte").reason, "they would take too much memory");
}

#[test]
fn sparse_values_are_no_bombs() {
    round(vec![None::<[String; 10]>; 400_000]);
    round(vec![(); 100_000]);
}

#[derive(Serialize, Deserialize, PartialEq, Debug, Clone, Copy)]
enum SkipsFirst {
    #[serde(skip)]
    #[allow(dead_code)]
    Internal,
    Start,
    Stop,
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct SkipsOneWay {
    #[serde(skip_deserializing)]
    id: u8,
    n: u8,
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct SkipsBothWays {
    #[serde(skip)]
    id: u8,
    n: u8,
}

#[test]
fn what_the_two_directions_count_differently_is_refused() {
    for command in [SkipsFirst::Start, SkipsFirst::Stop] {
        let refused = decode::<SkipsFirst>(&encode(&command)).expect_err("another variant");
        assert!(refused.contains("of `SkipsFirst` is another one here"), "{refused}");
    }
    let refused = decode::<SkipsOneWay>(&encode(&SkipsOneWay { id: 1, n: 2 })).expect_err("another field");
    assert!(refused.starts_with("`SkipsOneWay` has 2 fields in them and 1 here"), "{refused}");
    round(SkipsBothWays { id: 0, n: 2 });
}

/// Bytes by serde's byte calls, as `serde_bytes` makes them.
#[derive(PartialEq, Debug, Clone)]
struct Raw(Vec<u8>);

impl Serialize for Raw {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Taker;
        impl serde::de::Visitor<'_> for Taker {
            type Value = Raw;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes")
            }
            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Raw, E> {
                Ok(Raw(bytes.to_vec()))
            }
        }
        deserializer.deserialize_byte_buf(Taker)
    }
}

#[test]
fn bytes_and_vectors_of_bytes_are_read_as_each_other() {
    for bytes in [vec![], vec![1], vec![5, 6, 0, 0]] {
        round((Raw(bytes.clone()), 7u8));
        assert_eq!(decode::<(Vec<u8>, u8)>(&encode(&(Raw(bytes.clone()), 7u8))), Ok((bytes.clone(), 7)));
        assert_eq!(decode::<(Raw, u8)>(&encode(&(bytes.clone(), 7u8))), Ok((Raw(bytes.clone()), 7)));
        let queue = VecDeque::from(bytes.clone());
        assert_eq!(decode::<(Raw, u8)>(&encode(&(queue, 7u8))), Ok((Raw(bytes), 7)));
    }
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Id(u32);

#[test]
fn a_block_is_read_as_numbers_in_structs() {
    assert_eq!(decode::<Vec<Id>>(&encode(&vec![1u32, 2])), Ok(vec![Id(1), Id(2)]));
    round(vec![Id(1), Id(2)]);
}

/// A sequence that says it has three elements.
struct Three(usize);

impl Serialize for Three {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeSeq;
        let mut sequence = serializer.serialize_seq(Some(3))?;
        for i in 0..self.0 {
            sequence.serialize_element(&i)?;
        }
        sequence.end()
    }
}

#[test]
fn a_sequence_that_is_not_as_long_as_it_says_is_refused() {
    assert_eq!(decode::<Vec<usize>>(&encode(&Three(3))), Ok(vec![0, 1, 2]));
    for count in [0, 2, 4] {
        assert!(refusal(&Three(count)).contains("not as long as it says"));
    }
}

#[test]
fn blocks_that_lie_are_refused() {
    let block = |count: u64, kind: u8, bytes: &[u8]| {
        [encode(&(2 * count + 1)), vec![kind], encode(&(bytes.len() as u64)), bytes.to_vec()].concat()
    };
    assert_eq!(decode::<Vec<u16>>(&block(2, 2, &[1, 0, 2, 0])), Ok(vec![1, 2]));
    for lie in [block(3, 2, &[1, 0, 2, 0]), block(2, 2, &[1, 0, 2]), block(2, 99, &[1, 0]), block(1, 0, &[1])] {
        assert!(decode::<Vec<u16>>(&lie).is_err());
    }
}
