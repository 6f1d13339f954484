//! Dates as text: ISO-8601 in UTC with milliseconds, the form of the wire and of documents.

use domain::Timestamp;

/// The date as text; empty for one outside the calendar.
pub fn iso(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.as_millis())
        .map_or_else(|_| String::new(), |instant| format!("{instant:.3}"))
}

/// The date that a document holds as text; `None` if it is none.
pub fn from_iso(text: &str) -> Option<Timestamp> {
    let instant = text.parse::<jiff::Timestamp>().ok()?;
    Some(Timestamp::from_millis(instant.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_have_milliseconds_and_a_z() {
        assert_eq!(
            iso(Timestamp::from_millis(1_656_676_800_000)),
            "2022-07-01T12:00:00.000Z"
        );
        assert_eq!(iso(Timestamp::from_millis(1)), "1970-01-01T00:00:00.001Z");
    }
}
