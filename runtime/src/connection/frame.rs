//! How messages lie in a stream: the framing of Python's `multiprocessing.connection`.
//!
//! A length of four bytes, big endian, and the message; a length that does not fit is told as -1 and eight
//! bytes. To these carom adds -2, for a message that descriptors come with: their number in two bytes, and the
//! length in eight. The descriptors come with the first byte.

/// What stands before a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Header {
    pub(super) length: u64,
    pub(super) fds: u16,
}

/// The first bytes of a frame, parsed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Parsed {
    /// A header, and of how many bytes.
    Header(Header, usize),
    /// A header is of this many bytes at least.
    Needs(usize),
    /// No message begins like this.
    Invalid,
}

const LONG: i32 = -1;
const WITH_FDS: i32 = -2;

/// The longest header.
pub(super) const LONGEST: usize = 14;

impl Header {
    pub(super) fn parse(bytes: &[u8]) -> Parsed {
        let Some((first, rest)) = bytes.split_first_chunk() else { return Parsed::Needs(4) };
        match i32::from_be_bytes(*first) {
            length @ 0.. => Parsed::Header(Self { length: length as u64, fds: 0 }, 4),
            LONG => match rest.first_chunk() {
                Some(length) => Parsed::Header(Self { length: u64::from_be_bytes(*length), fds: 0 }, 12),
                None => Parsed::Needs(12),
            },
            WITH_FDS => match rest.split_first_chunk() {
                Some((fds, rest)) => match rest.first_chunk() {
                    Some(length) => {
                        Parsed::Header(Self { length: u64::from_be_bytes(*length), fds: u16::from_be_bytes(*fds) }, 14)
                    }
                    None => Parsed::Needs(14),
                },
                None => Parsed::Needs(14),
            },
            _ => Parsed::Invalid,
        }
    }

    /// The header as bytes, and how many of them.
    pub(super) fn bytes(self) -> ([u8; LONGEST], usize) {
        let mut bytes = [0; LONGEST];
        let mut used = 0;
        let mut put = |part: &[u8]| {
            bytes[used..used + part.len()].copy_from_slice(part);
            used += part.len();
        };
        match i32::try_from(self.length) {
            _ if self.fds > 0 => {
                put(&WITH_FDS.to_be_bytes());
                put(&self.fds.to_be_bytes());
                put(&self.length.to_be_bytes());
            }
            Ok(length) => put(&length.to_be_bytes()),
            Err(_) => {
                put(&LONG.to_be_bytes());
                put(&self.length.to_be_bytes());
            }
        }
        (bytes, used)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_are_those_of_python() {
        let bytes = |length| {
            let (bytes, used) = Header { length, fds: 0 }.bytes();
            bytes[..used].to_vec()
        };
        assert_eq!(bytes(0), [0; 4]);
        assert_eq!(bytes(16_384), [0, 0, 0x40, 0]);
        assert_eq!(bytes(0x7fff_ffff), [0x7f, 0xff, 0xff, 0xff]);
        assert_eq!(bytes(0x8000_0000), [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0x80, 0, 0, 0]);
    }

    #[test]
    fn headers_are_parsed_from_any_number_of_bytes() {
        for (length, fds) in [(0, 0), (1, 0), (1 << 31, 0), (0, 1), (7, 250), (u64::MAX, 0)] {
            let header = Header { length, fds };
            let (bytes, used) = header.bytes();
            for cut in 0..used {
                assert!(matches!(Header::parse(&bytes[..cut]), Parsed::Needs(more) if more > cut && more <= used));
            }
            assert_eq!(Header::parse(&bytes), Parsed::Header(header, used));
        }
        // the long form for a short message is fine
        let long = [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 5];
        assert_eq!(Header::parse(&long), Parsed::Header(Header { length: 5, fds: 0 }, 12));
        for first in [-3, i32::MIN] {
            assert_eq!(Header::parse(&first.to_be_bytes()), Parsed::Invalid);
        }
    }
}
