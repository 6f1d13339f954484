//! Events as rows of CSV (RFC 4180).

use crate::dates::iso;
use crate::record::document::Data;
use crate::record::entries::Entry;
use crate::record::harmless::harmless;
use crate::record::plain;
use crate::record::withheld;

/// The first row: what the columns are called.
pub const NAMES: &str = "position,time,type,stream,version,actor,actor_name,room,room_name,correlation,sentence,data\r\n";

/// Appends an event as one row. Secrets are withheld, and no cell is a formula.
pub fn write(out: &mut Vec<u8>, entry: &Entry) {
    let event = &entry.event;
    // Of what was understood, this cannot fail.
    let mut data = Vec::new();
    let written = plain::json(&mut data, &Data(event));
    debug_assert!(written.is_ok(), "{written:?}");
    let data = String::from_utf8_lossy(&data);
    let (room, room_name) = entry
        .room
        .as_ref()
        .map_or(("", ""), |(room, name)| (room.as_str(), name.as_str()));
    let fields = [
        &event.position.to_string(),
        &iso(event.recorded_at),
        event.event_type.as_str(),
        &withheld::stream(&event.stream),
        &event.version.to_string(),
        event.actor.as_str(),
        &harmless(&entry.actor),
        room,
        &harmless(room_name),
        &event.correlation_id.0.to_string(),
        &entry.sentence,
        &data,
    ];
    for (index, value) in fields.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        field(out, value);
    }
    out.extend_from_slice(b"\r\n");
}

/// A field in quotation marks. What a spreadsheet would take for a formula gets an apostrophe in front, which it takes for
/// "this is text".
fn field(out: &mut Vec<u8>, value: &str) {
    out.push(b'"');
    if value.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        out.push(b'\'');
    }
    for part in value.split_inclusive('"') {
        out.extend_from_slice(part.as_bytes());
        if part.ends_with('"') {
            out.push(b'"');
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_no_formulas_and_stay_one_field() {
        for (value, written) in [
            ("plain", "\"plain\""),
            ("", "\"\""),
            ("a,\"b\"", "\"a,\"\"b\"\"\""),
            ("=1+1", "\"'=1+1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
        ] {
            let mut out = Vec::new();
            field(&mut out, value);
            assert_eq!(String::from_utf8_lossy(&out), written, "{value}");
        }
    }
}
