//! Durations as they stand in options: whole numbers with a unit, as `5s` or `1m30s`.

use std::time::Duration;

const UNITS: [(&str, u64); 6] = [
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// Reads a duration; the error says what was wrong with it.
pub(super) fn parse(text: &str) -> Result<Duration, String> {
    let mut rest = text;
    let mut total = 0u64;
    let malformed =
        || format!("`{text}` is not a duration; write whole numbers with units (ns, us, ms, s, m, h), as \"1m30s\"");
    if text.is_empty() {
        return Err(malformed());
    }
    while !rest.is_empty() {
        let (number, tail) = split_at_first(rest, |c| !c.is_ascii_digit());
        let (unit, tail) = split_at_first(tail, |c| c.is_ascii_digit());
        let Some((_, nanos)) = UNITS.iter().find(|(name, _)| *name == unit) else {
            return Err(malformed());
        };
        if number.is_empty() {
            return Err(malformed());
        }
        let part = number.parse::<u64>().ok().and_then(|n| n.checked_mul(*nanos));
        total = part
            .and_then(|n| total.checked_add(n))
            .ok_or_else(|| format!("`{text}` is more than 500 years; leave the option out for no limit"))?;
        rest = tail;
    }
    match total {
        0 => Err("a limit of no time at all would end every call; leave the option out for no limit".to_owned()),
        nanos => Ok(Duration::from_nanos(nanos)),
    }
}

fn split_at_first(text: &str, stop: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(stop).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::parse;
    use std::time::Duration;

    #[test]
    fn units_add_up() {
        assert_eq!(parse("1m30s"), Ok(Duration::from_secs(90)));
        assert_eq!(parse("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(parse("2h"), Ok(Duration::from_secs(7200)));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "0s", "5", "s", "1.5s", "-1s", "5 s", "5sec", "5s ", "99999999999h", "999999999999999999999s"]
        {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }
}
