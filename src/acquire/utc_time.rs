//! Times in UTC, as RFC 3339 writes them.

use std::time::{SystemTime, UNIX_EPOCH};

const DAY_SECONDS: i64 = 86_400;

/// Days of 400 years, after which the calendar repeats.
const ERA_DAYS: i64 = 146_097;

/// From 1 March of the year 0 to 1 January 1970.
const EPOCH_DAYS: i64 = 719_468;

/// The system's time now.
pub(super) fn now() -> String {
    of(SystemTime::now())
}

/// A time of the system.
pub(super) fn of(time: SystemTime) -> String {
    let whole = |seconds: u64| i64::try_from(seconds).unwrap_or(i64::MAX);
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => utc(whole(since.as_secs()), since.subsec_nanos()),
        Err(error) => match (whole(error.duration().as_secs()), error.duration().subsec_nanos()) {
            (seconds, 0) => utc(-seconds, 0),
            (seconds, nanoseconds) => utc((-seconds).saturating_sub(1), 1_000_000_000 - nanoseconds),
        },
    }
}

/// A time since 1970. One that has no year of four digits, as a file may claim, is given in seconds.
pub(super) fn utc(seconds: i64, nanoseconds: u32) -> String {
    let (days, second) = (seconds.div_euclid(DAY_SECONDS), seconds.rem_euclid(DAY_SECONDS));
    let (year, month, day) = date(days);
    if !(0..=9999).contains(&year) {
        return format!("{seconds}.{nanoseconds:09} seconds since 1970");
    }
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{nanoseconds:09}Z")
}

/// Year, month and day of a day counted from 1970. Years are taken to begin in March, so that the day that is not always there is the
/// last one.
fn date(days: i64) -> (i64, i64, i64) {
    let days = days.saturating_add(EPOCH_DAYS);
    let (era, day) = (days.div_euclid(ERA_DAYS), days.rem_euclid(ERA_DAYS));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day_of_month = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + next, month, day_of_month)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// SQLite tells the same of each day of nine hundred years, and more.
    #[test]
    fn dates_are_those_of_sqlite() {
        let sqlite = rusqlite::Connection::open_in_memory().unwrap();
        let mut told = sqlite.prepare("SELECT strftime('%Y-%m-%dT%H:%M:%S', ?1, 'unixepoch')").unwrap();
        for day in (-200_000..250_000_i64).step_by(17) {
            let seconds = day * DAY_SECONDS + day.rem_euclid(DAY_SECONDS);
            let expected: String = told.query_row([seconds], |row| row.get(0)).unwrap();
            assert_eq!(utc(seconds, 5), format!("{expected}.000000005Z"));
        }
    }

    #[test]
    fn times_before_1970_and_those_that_no_calendar_has_are_told() {
        // Windows counts in steps of 100 ns.
        assert_eq!(of(UNIX_EPOCH - Duration::from_nanos(100)), "1969-12-31T23:59:59.999999900Z");
        assert_eq!(of(UNIX_EPOCH - Duration::from_secs(1)), "1969-12-31T23:59:59.000000000Z");
        for seconds in [i64::MIN, i64::MAX, 253_402_300_800] {
            assert_eq!(utc(seconds, 0), format!("{seconds}.000000000 seconds since 1970"));
        }
    }
}
