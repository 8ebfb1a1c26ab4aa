//! Numbers as SQL that every SQLite reads as the very same.
//!
//! Before 3.43 SQLite reads the digits as an integer, and divides that by a power of ten, rounded to the 64 bits of the processor's
//! long numbers and then to 53: for some numbers that gives the one beside. Where it would, or where we cannot tell, the number is
//! written as an integer and powers of two, which is exact everywhere.

/// 2 to the 62nd, the largest power of two that is an integer for SQLite.
const LARGEST_POWER: u32 = 62;

pub(super) fn add_integer(sql: &mut Vec<u8>, number: i64) {
    sql.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Adds a real to a statement.
pub(super) fn add_real(sql: &mut Vec<u8>, number: f64) {
    if number.is_infinite() {
        return sql.extend_from_slice(if number > 0.0 { b"9e999" } else { b"-9e999" });
    }
    let mut buffer = zmij::Buffer::new();
    let digits = buffer.format_finite(number);
    match is_read_exactly(digits, number) {
        true => sql.extend_from_slice(digits.as_bytes()),
        false => add_exactly(sql, number),
    }
}

/// Whether old versions read these digits as this number.
fn is_read_exactly(digits: &str, number: f64) -> bool {
    let (mut significand, mut exponent) = (0_u64, 0_i32);
    let mut bytes = digits.bytes();
    let mut is_fraction = false;
    for byte in bytes.by_ref() {
        match byte {
            b'0'..=b'9' => {
                let Some(next) = significand.checked_mul(10) else { return false };
                significand = next + u64::from(byte - b'0');
                exponent -= i32::from(is_fraction);
            }
            b'.' => is_fraction = true,
            b'-' => {}
            _ => break,
        }
    }
    let power = digits.get(digits.len() - bytes.len()..).unwrap_or_default();
    if !power.is_empty() {
        let Ok(power) = power.parse::<i32>() else { return false };
        exponent += power;
    }
    while exponent < 0 && significand.is_multiple_of(10) && significand > 0 {
        (significand, exponent) = (significand / 10, exponent + 1);
    }
    while exponent > 0 && significand < i64::MAX.cast_unsigned() / 10 && significand > 0 {
        (significand, exponent) = (significand * 10, exponent - 1);
    }
    match exponent {
        _ if significand == 0 => true,
        0 => i64::try_from(significand).is_ok(),
        -27..0 => quotient(significand, exponent.unsigned_abs()) == mantissa(number).0,
        _ => false,
    }
}

/// The 53 bits of `significand / 10^power`, rounded to 64 bits before.
fn quotient(significand: u64, power: u32) -> u64 {
    let divisor = 5_u128.pow(power);
    let bits = |number: u128| u128::BITS - number.leading_zeros();
    let shift = 65 + bits(divisor) - bits(significand.into());
    let dividend = u128::from(significand) << shift;
    let (long, is_inexact) = (dividend / divisor, !dividend.is_multiple_of(divisor));
    let rounded = |number: u128, to: u32, is_inexact: bool| {
        let extra = bits(number) - to;
        let (kept, half) = (number >> extra, 1_u128 << (extra - 1));
        let cut = number & ((1 << extra) - 1);
        kept + u128::from(cut > half || (cut == half && (is_inexact || kept % 2 == 1)))
    };
    let short = rounded(rounded(long, 64, is_inexact), 53, false);
    u64::try_from(if short == 1 << 53 { 1 << 52 } else { short }).unwrap_or_default()
}

/// A number, sign aside, as an integer and the power of two that it is multiplied by.
fn mantissa(number: f64) -> (u64, i32) {
    let bits = number.to_bits();
    let (fraction, exponent) = (bits & ((1 << 52) - 1), bits >> 52 & 0x7ff);
    let exponent = i32::try_from(exponent).unwrap_or_default();
    if exponent == 0 { (fraction, -1074) } else { (fraction | 1 << 52, exponent - 1075) }
}

/// As an integer, multiplied or divided by powers of two.
fn add_exactly(sql: &mut Vec<u8>, number: f64) {
    let (integer, power) = mantissa(number);
    if number < 0.0 {
        sql.push(b'-');
    }
    add_integer(sql, integer.cast_signed());
    sql.extend_from_slice(b".0");
    let mut left = power.unsigned_abs();
    while left > 0 {
        let step = left.min(LARGEST_POWER);
        sql.push(if power > 0 { b'*' } else { b'/' });
        add_integer(sql, 1 << step);
        left -= step;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sql(number: f64) -> String {
        let mut sql = Vec::new();
        add_real(&mut sql, number);
        String::from_utf8(sql).unwrap()
    }

    #[test]
    fn usual_numbers_are_their_shortest_digits() {
        for text in ["0.0", "-0.0", "1.0", "0.1", "-2.5", "3.141592653589793", "123456.789", "1700000000.25"]
        {
            assert_eq!(sql(text.parse().unwrap()), text);
        }
        assert_eq!(sql(f64::INFINITY), "9e999");
        assert_eq!(sql(5.0), "5.0");
    }

    #[test]
    fn what_is_not_read_exactly_is_made_of_powers_of_two() {
        assert_eq!(sql(1e30), "7105427357601002.0*140737488355328");
        let least = sql(-5e-324);
        assert!(least.starts_with("-1.0/4611686018427387904/") && least.ends_with("/1048576"), "{least}");
        let product = |text: &str| {
            text.split('/').map(|part| part.parse::<f64>().unwrap()).reduce(|left, right| left / right)
        };
        for number in [2.2250738585072014e-308, 1.3e-200, 5e-324, 9.87654321e-30] {
            assert_eq!(product(&sql(number)), Some(number));
        }
    }
}
