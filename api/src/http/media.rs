//! Files sent to browsers: pictures, sounds. They say how long they may be kept, and answer 304 to those who have
//! them already. Whatever is in them, they are never a page that can do something.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use domain::Timestamp;

use crate::errors::ApiError;
use crate::http::answer::Answer;

/// When pictures were made that nobody made: letters, the mark (contract, conventions 8).
pub const ALWAYS: Timestamp = Timestamp::from_millis(1_420_070_400_000);

/// Nothing in a file that was uploaded may load or run anything.
const POLICY: &str = "default-src 'none'";
/// Shapes may style themselves; opened as a page they are one without rights.
const POLICY_OF_SHAPES: &str =
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox";

/// A file to send.
pub struct Media {
    /// Its media type.
    pub content_type: String,
    /// The file.
    pub bytes: Bytes,
    /// What names exactly this content.
    pub tag: String,
    /// Since when it is what it is.
    pub modified: Timestamp,
    /// How long it may be kept, in seconds.
    pub keep: u64,
    /// Who may keep it.
    pub keeper: Keeper,
}

/// Who may keep a file that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeper {
    /// Any cache between here and there: whoever asks gets the same.
    Anyone,
    /// Only whoever asked: others may be refused it.
    Asker,
}

impl Keeper {
    /// Its word in `Cache-Control`.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Anyone => "public",
            Self::Asker => "private",
        }
    }
}

impl Media {
    /// The answer to a request with these headers.
    pub fn answer(self, asked: &HeaderMap) -> Answer {
        let tag = format!("\"{}\"", self.tag);
        let modified = http_date(self.modified);
        let mut response = if has_it(asked, &tag, &modified) {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            let mut response = Response::new(self.bytes.into());
            set(&mut response, header::CONTENT_TYPE, &self.content_type);
            response
        };
        let policy = if self.content_type == "image/svg+xml" {
            POLICY_OF_SHAPES
        } else {
            POLICY
        };
        let keep = format!("{}, max-age={}", self.keeper.as_str(), self.keep);
        for (name, value) in [
            (header::CACHE_CONTROL, keep.as_str()),
            (header::CONTENT_DISPOSITION, "inline"),
            (header::CONTENT_SECURITY_POLICY, policy),
            (header::LAST_MODIFIED, &modified),
            (header::ETAG, &tag),
        ] {
            set(&mut response, name, value);
        }
        Answer::other(response)
    }
}

fn set(response: &mut Response, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

/// Whether whoever asks has exactly this already. Tags count more than dates (RFC 9110, 13.2.2); a date must be the
/// same, for a file may have been replaced by an older one.
fn has_it(asked: &HeaderMap, tag: &str, modified: &str) -> bool {
    let text = |name: header::HeaderName| asked.get(name).and_then(|value| value.to_str().ok());
    match text(header::IF_NONE_MATCH) {
        Some(tags) => tags
            .split(',')
            .map(|one| one.trim_ascii().trim_start_matches("W/"))
            .any(|one| one == tag || one == "*"),
        None => text(header::IF_MODIFIED_SINCE).is_some_and(|date| date.trim_ascii() == modified),
    }
}

/// A date as HTTP has it: `Thu, 01 Jan 2015 00:00:00 GMT`.
fn http_date(at: Timestamp) -> String {
    let printer = jiff::fmt::rfc2822::DateTimePrinter::new();
    jiff::Timestamp::from_millisecond(at.as_millis())
        .ok()
        .and_then(|at| printer.timestamp_to_rfc9110_string(&at).ok())
        .unwrap_or_else(|| "Thu, 01 Jan 1970 00:00:00 GMT".to_owned())
}

/// The file is not for whoever asks.
pub fn forbidden() -> Answer {
    Answer::other((StatusCode::FORBIDDEN, "Forbidden"))
}

/// Name and ending of a file name.
pub fn split_name(file: &str) -> (&str, &str) {
    file.rsplit_once('.').unwrap_or((file, ""))
}

/// A file that its shelf has lost, or that nobody ever put there.
pub fn gone() -> ApiError {
    crate::errors::wording::not_found()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(name: header::HeaderName, value: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().expect("a header"));
        has_it(&headers, "\"a\"", &http_date(ALWAYS))
    }

    #[test]
    fn tags_and_dates_say_who_has_it_already() {
        assert!(asked(header::IF_NONE_MATCH, "\"b\", W/\"a\""));
        assert!(!asked(header::IF_NONE_MATCH, "\"b\""));
        assert!(asked(
            header::IF_MODIFIED_SINCE,
            "Thu, 01 Jan 2015 00:00:00 GMT"
        ));
        assert!(!asked(
            header::IF_MODIFIED_SINCE,
            "Fri, 02 Jan 2015 00:00:00 GMT"
        ));
    }

    #[test]
    fn a_file_name_ends_at_its_last_dot() {
        assert_eq!(split_name("a.b.png"), ("a.b", "png"));
        assert_eq!(split_name("logo"), ("logo", ""));
        assert_eq!(split_name(".png"), ("", "png"));
    }
}
