//! Values of options: lengths of time, numbers of bytes, page sizes.

use std::time::Duration;

use litecopy::PageSize;

/// A number of bytes that is more than 0.
pub(crate) fn rate(words: &str) -> Result<u64, String> {
    match bytes(words)? {
        0 => Err("a rate is more than 0".to_owned()),
        rate => Ok(rate),
    }
}

/// A length of time: seconds, with a fraction if wanted, or a number with one of the units ms, s, m, h.
pub(crate) fn duration(words: &str) -> Result<Duration, String> {
    let words = words.trim();
    let digits = words.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit_in_seconds = match &words[digits.len()..] {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        unit => return Err(format!("`{unit}` is no unit of time; use ms, s, m or h")),
    };
    let number: f64 = digits.trim().parse().map_err(|_| "not a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(number * unit_in_seconds)
        .map_err(|_| "a length of time is 0 or more, and not for ever".to_owned())
}

/// A number of bytes, with a fraction and one of the units kB, MB, GB, KiB, MiB, GiB if wanted.
pub(crate) fn bytes(words: &str) -> Result<u64, String> {
    let words = words.trim();
    let digits = words.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match words[digits.len()..].to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "k" | "kb" => 1e3,
        "m" | "mb" => 1e6,
        "g" | "gb" => 1e9,
        "kib" => 1024.0,
        "mib" => 1_048_576.0,
        "gib" => 1_073_741_824.0,
        unit => return Err(format!("`{unit}` is no unit of size; use kB, MB, GB, KiB, MiB or GiB")),
    };
    let number: f64 = digits.trim().parse().map_err(|_| "not a number of bytes".to_owned())?;
    let bytes = number * unit;
    if !(0.0..=9e18).contains(&bytes) {
        return Err("a size is 0 or more, and no more than 9 EB".to_owned());
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it was looked at above")]
    Ok(bytes.round() as u64)
}

/// A size that the pages of a database can have.
pub(crate) fn page_size(words: &str) -> Result<PageSize, String> {
    let size = words.parse().ok().and_then(PageSize::new);
    size.ok_or_else(|| "not a page size: a power of two from 512 to 65536".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_seconds_or_has_a_unit() {
        assert_eq!(duration("0.25"), Ok(Duration::from_millis(250)));
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(duration("2 s"), Ok(Duration::from_secs(2)));
        assert_eq!(duration("1.5m"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("0"), Ok(Duration::ZERO));
        for wrong in ["", "x", "-1", "inf", "nan", "1d", "1e400", "5 parsecs"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_size_is_bytes_or_has_a_unit() {
        assert_eq!(bytes("4096"), Ok(4096));
        assert_eq!(bytes("50MB"), Ok(50_000_000));
        assert_eq!(bytes("1.5 GiB"), Ok(1_610_612_736));
        assert_eq!(bytes("64mib"), Ok(67_108_864));
        assert_eq!(rate("50MiB"), Ok(52_428_800));
        assert!(rate("0.4").is_err());
        for wrong in ["", "x", "-1", "inf", "nan", "1e30", "5 pages"] {
            assert!(bytes(wrong).is_err(), "{wrong}");
        }
    }
}
