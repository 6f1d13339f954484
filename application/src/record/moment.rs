//! Points in the record, as people name them: a position, or a time.

use domain::Timestamp;
use eventstore::Position;
use jiff::civil;
use jiff::fmt::temporal::Pieces;
use jiff::tz::TimeZone;

/// A point in the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum Moment {
    Position(Position),
    Time(Timestamp),
}

impl Moment {
    /// Reads a position (digits alone), a time with its offset from UTC (RFC 3339), or a date or a date and time of day
    /// in UTC (`2026-11-27`, `2026-11-27T10:42`). `None`: it is none of these.
    pub fn parse(text: &str) -> Option<Self> {
        if text.is_empty() {
            return None;
        }
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            return text.parse().ok().map(Position::new).map(Self::Position);
        }
        let instant = match Pieces::parse(text).ok()?.to_numeric_offset() {
            Some(offset) if offset.seconds().unsigned_abs() < DAY => text.parse().ok()?,
            Some(_) => return None,
            None => in_utc(text)?,
        };
        Some(Self::Time(Timestamp::from_millis(instant.as_millisecond())))
    }
}

/// Seconds of a day: no offset is as much.
const DAY: u32 = 24 * 60 * 60;

/// A time without an offset.
fn in_utc(text: &str) -> Option<jiff::Timestamp> {
    // A time zone that is written but not understood must not be taken for UTC.
    let plain = text.bytes().all(|byte| {
        byte.is_ascii_digit() || matches!(byte, b'-' | b':' | b'T' | b't' | b' ' | b'.')
    });
    let civil = plain
        .then(|| text.parse::<civil::DateTime>().ok())
        .flatten()?;
    TimeZone::UTC.to_timestamp(civil).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_and_times_are_told_apart() {
        let time = |millis| Some(Moment::Time(Timestamp::from_millis(millis)));
        let position = |number| Some(Moment::Position(Position::new(number)));
        for (text, moment) in [
            ("4711", position(4711)),
            ("0", position(0)),
            ("2022-07-01", time(1_656_633_600_000)),
            ("2022-07-01T12:00", time(1_656_676_800_000)),
            ("2022-07-01 12:00:00", time(1_656_676_800_000)),
            ("2022-07-01T12:00:00.000Z", time(1_656_676_800_000)),
            ("2022-07-01T14:00:00+02:00", time(1_656_676_800_000)),
            ("2022-07-01T12:00:00+25:00", None),
            ("2022-07-01T12:00:00-24:00", None),
            ("2022-07-01T12:00:00-30:00", None),
            ("", None),
            ("-1", None),
            ("18446744073709551616", None),
            ("yesterday", None),
            ("2022-02-30", None),
            ("2022-07-01T14:00 CEST", None),
        ] {
            assert_eq!(Moment::parse(text), moment, "{text:?}");
        }
    }
}
