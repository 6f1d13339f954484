//! JSON as clients send it. A list of empty objects takes a hundred times its size in memory once it is read, so how
//! many values there may be is bounded as well as how many bytes.

use serde::de::DeserializeOwned;

/// How many values a text may have. The longest honest ones, whole tables of settings or permissions, have a tenth.
const MOST_VALUES: usize = 200_000;

/// Why a text is not read.
#[derive(Debug, thiserror::Error)]
pub enum JsonError {
    /// It has too many values.
    #[error("too many values")]
    TooMany,
    /// It is not JSON, or not of the shape wanted.
    #[error(transparent)]
    Invalid(#[from] serde_json::Error),
}

/// The text without the byte-order mark that some editors and programs put in front.
pub fn text(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

/// Reads a value.
pub fn parse<T: DeserializeOwned>(text: &[u8]) -> Result<T, JsonError> {
    if has_too_many(text) {
        return Err(JsonError::TooMany);
    }
    Ok(serde_json::from_slice(self::text(text))?)
}

/// Whether there are too many values, judged by what stands in front of each.
fn has_too_many(text: &[u8]) -> bool {
    // Every value but the first has a sign of its own in front.
    if text.len() <= MOST_VALUES {
        return false;
    }
    let (mut values, mut quoted, mut escaped) = (0_usize, false, false);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' | b'[' | b'{' if !quoted => values += 1,
            _ => {}
        }
    }
    values > MOST_VALUES
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn values_are_counted_and_texts_are_not() {
        let many = format!("[{}0]", "{},".repeat(MOST_VALUES));
        assert!(matches!(
            parse::<Value>(many.as_bytes()),
            Err(JsonError::TooMany)
        ));
        let text = json!({ "text": ",[{\\\"".repeat(MOST_VALUES) });
        assert_eq!(parse::<Value>(text.to_string().as_bytes()).ok(), Some(text));
        assert!(matches!(parse::<Value>(b"{"), Err(JsonError::Invalid(_))));
    }
}
