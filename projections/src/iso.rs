//! Dates as the wire has them: `2022-07-01T12:00:00.000Z`.
//!
//! Every message carries several, so they are written digit by digit, without a general formatter.

use domain::Timestamp;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;

const LENGTH: usize = 24;

/// Milliseconds of a day.
const DAY: i64 = 86_400_000;

/// The first and last instant that can be written with four digits of year.
const RANGE: (i64, i64) = (-62_167_219_200_000, 253_402_300_799_999);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Date(pub(crate) Timestamp);

/// Writes a date. Times outside the years 0000 to 9999 are clamped: they come from broken clocks only.
pub(crate) fn write(at: Timestamp) -> [u8; LENGTH] {
    let millis = at.as_millis().clamp(RANGE.0, RANGE.1);
    let (days, within) = (millis.div_euclid(DAY), millis.rem_euclid(DAY));
    let (year, month, day) = civil(days);
    let mut out = *b"0000-00-00T00:00:00.000Z";
    digits(&mut out[0..4], year);
    digits(&mut out[5..7], month);
    digits(&mut out[8..10], day);
    digits(&mut out[11..13], within / 3_600_000);
    digits(&mut out[14..16], within / 60_000 % 60);
    digits(&mut out[17..19], within / 1000 % 60);
    digits(&mut out[20..23], within % 1000);
    out
}

/// Reads what [`write`] wrote.
pub(crate) fn read(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    if bytes.len() != LENGTH {
        return None;
    }
    let number = |range: std::ops::Range<usize>| {
        bytes[range].iter().try_fold(0_i64, |sum, byte| {
            byte.is_ascii_digit()
                .then(|| sum * 10 + i64::from(byte - b'0'))
        })
    };
    let days = days(number(0..4)?, number(5..7)?, number(8..10)?);
    let within = number(11..13)? * 3_600_000
        + number(14..16)? * 60_000
        + number(17..19)? * 1000
        + number(20..23)?;
    Some(Timestamp::from_millis(days * DAY + within))
}

fn digits(out: &mut [u8], mut number: i64) {
    for place in out.iter_mut().rev() {
        // A single decimal digit always fits.
        *place = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
    }
}

/// Days since 1970-01-01 to year, month, day (Howard Hinnant's `civil_from_days`).
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_index + 2) / 5 + 1;
    let month = if month_index < 10 {
        month_index + 3
    } else {
        month_index - 9
    };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// Year, month, day to days since 1970-01-01 (`days_from_civil`).
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_index = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * month_index + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

impl Serialize for Date {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = write(self.0);
        // Digits and punctuation only: always valid text.
        serializer.serialize_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        read(&text)
            .map(Self)
            .ok_or_else(|| D::Error::custom("not a date of the wire"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_as_the_wire_has_them() {
        let at =
            |millis| String::from_utf8(write(Timestamp::from_millis(millis)).to_vec()).unwrap();
        assert_eq!(at(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(at(1_656_676_800_000), "2022-07-01T12:00:00.000Z");
        assert_eq!(at(-1), "1969-12-31T23:59:59.999Z");
        assert_eq!(at(1_709_164_800_123), "2024-02-29T00:00:00.123Z");
        assert_eq!(at(i64::MAX), "9999-12-31T23:59:59.999Z");
    }

    #[test]
    fn what_is_written_reads_back() {
        for millis in (-5_000_000_000_000_i64..5_000_000_000_000).step_by(86_399_993_777) {
            let at = Timestamp::from_millis(millis);
            let text = write(at);
            assert_eq!(read(std::str::from_utf8(&text).unwrap()), Some(at));
        }
        assert_eq!(read("2022-07-01"), None);
    }
}
