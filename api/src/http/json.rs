//! JSON as clients send it. A list of empty objects takes a hundred times its size in memory once it is parsed, so the
//! number of values is bounded as well as the number of bytes. So is the nesting: what is kept is shown within other
//! documents, and nothing that reads those may reach its own limit of nesting.

use domain::limits::DEPTH as DEEPEST;
use serde::de::DeserializeOwned;

/// How many values a text may have. The longest legitimate ones, whole tables of settings or permissions, have a tenth.
const MOST_VALUES: usize = 200_000;

#[derive(Debug, thiserror::Error)]
pub enum JsonError {
    #[error("too many values")]
    TooMany,
    #[error("more than {DEEPEST} lists and objects within each other")]
    TooDeep,
    /// Not JSON, or not of the shape wanted.
    #[error(transparent)]
    Invalid(#[from] serde_json::Error),
}

/// The text without the byte-order mark that some editors and programs put in front.
pub fn text(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

pub fn parse<T: DeserializeOwned>(text: &[u8]) -> Result<T, JsonError> {
    check(text)?;
    Ok(serde_json::from_slice(self::text(text))?)
}

/// Refuses a text with too many values or too deep nesting, judged by the character in front of each value.
pub fn check(text: &[u8]) -> Result<(), JsonError> {
    // Each level begins with a character of its own.
    if text.len() <= DEEPEST {
        return Ok(());
    }
    // Every value but the first has a character of its own in front.
    let (mut values, mut depth, mut quoted, mut escaped) = (0_usize, 0_usize, false, false);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' | b'[' | b'{' if !quoted => {
                values += 1;
                depth += usize::from(*byte != b',');
                if depth > DEEPEST {
                    return Err(JsonError::TooDeep);
                }
            }
            b']' | b'}' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    if values > MOST_VALUES {
        return Err(JsonError::TooMany);
    }
    Ok(())
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

    #[test]
    fn nesting_is_bounded_and_texts_are_not_nested() {
        let nested = |depth| format!("{}0{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse::<Value>(nested(DEEPEST).as_bytes()).is_ok());
        assert!(matches!(
            parse::<Value>(nested(DEEPEST + 1).as_bytes()),
            Err(JsonError::TooDeep)
        ));
        for flat in [
            json!({ "text": "[{\"".repeat(DEEPEST) }).to_string(),
            format!("[{}{{}}]", "[[]],".repeat(DEEPEST)),
        ] {
            assert!(parse::<Value>(flat.as_bytes()).is_ok(), "{flat}");
        }
    }
}
