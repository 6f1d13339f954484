//! JSON that drives no terminal.

use std::io::Write;

use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{Formatter, Serializer};

use crate::record::harmless::is_obeyed;

/// As JSON, in which no character drives a terminal or turns the direction of writing: those are written as numbers, as
/// JSON itself has it for some of them.
struct Plain;

/// From here on bytes of a text may be of a character that is obeyed. Those below JSON writes as numbers itself.
const DELETE: u8 = 0x7f;

impl Formatter for Plain {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> std::io::Result<()> {
        let mut rest = fragment;
        // Most texts have none of these bytes. The greatest is found without a jump for each.
        if rest.bytes().fold(0, u8::max) < DELETE {
            return writer.write_all(rest.as_bytes());
        }
        while let Some(at) = rest.find(is_obeyed) {
            let (before, from) = rest.split_at(at);
            let mut characters = from.chars();
            let mut units = [0; 2];
            writer.write_all(before.as_bytes())?;
            if let Some(obeyed) = characters.next() {
                for unit in obeyed.encode_utf16(&mut units) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            }
            rest = characters.as_str();
        }
        writer.write_all(rest.as_bytes())
    }
}

/// A value with its fields on lines of their own, in the same way.
pub fn pretty(value: &Value) -> String {
    let text = format!("{value:#}");
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        // What is obeyed and stands before that is written as a number already, but for the ends of lines.
        if character < char::from(DELETE) || !is_obeyed(character) {
            plain.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            // Writing to a string does not fail.
            let _ = std::fmt::Write::write_fmt(&mut plain, format_args!("\\u{unit:04x}"));
        }
    }
    plain
}

/// Appends. Most of what is written is a single byte: a quotation mark, a colon, a comma.
struct Appending<'a>(&'a mut Vec<u8>);

impl Write for Appending<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }

    #[inline]
    fn write_all(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        match bytes {
            [byte] => self.0.push(*byte),
            bytes => self.0.extend_from_slice(bytes),
        }
        Ok(())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Appends a value.
pub fn json<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) -> serde_json::Result<()> {
    value.serialize(&mut Serializer::with_formatter(Appending(out), Plain))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    #[test]
    fn what_a_terminal_would_obey_is_written_as_a_number() {
        let value = json!({ "text": "a\u{1b}[2J\u{7f}\u{80}\u{9b}31m\u{202e}\u{2028}é👩\"\\" });
        let mut out = Vec::new();
        super::json(&mut out, &value).unwrap();
        let written = String::from_utf8(out).unwrap();
        let wanted = r#"{"text":"a\u001b[2J\u007f\u0080\u009b31m\u202e\u2028é👩\"\\"}"#;
        assert_eq!(written, wanted);
        let read: Value = serde_json::from_str(&written).unwrap();
        assert_eq!(read, value, "other programs read what was there");
        let pretty = super::pretty(&value);
        assert_eq!(pretty.lines().count(), 3, "{pretty:?}");
        let in_a_line: String = pretty.lines().map(str::trim_start).collect();
        assert_eq!(in_a_line.replacen("\": ", "\":", 1), wanted);
    }
}
