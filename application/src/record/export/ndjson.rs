//! Events as JSON, one object a line.

use crate::record::document::Document;
use crate::record::entries::Entry;
use crate::record::plain;

/// Appends an event as one line. Secrets are withheld, and nothing in it drives a terminal.
pub(super) fn write(out: &mut Vec<u8>, entry: &Entry) -> Result<(), serde_json::Error> {
    plain::json(out, &Document(entry))?;
    out.push(b'\n');
    Ok(())
}
