//! Files sent to browsers: pictures, sounds. They say how long they may be kept, and browsers that have them already
//! get a 304. Whatever is in them, they are never a page that can do something.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use domain::Timestamp;

use crate::errors::ApiError;
use crate::http::answer::Answer;

/// The media types in which pictures are sent.
pub const PICTURES: &[&str] = &[
    "image/svg+xml",
    "image/png",
    "image/jpeg",
    "image/gif",
    "image/webp",
];

/// The date of pictures that nobody made: letters, the mark (contract, conventions 8).
pub const ALWAYS: Timestamp = Timestamp::from_millis(1_420_070_400_000);

/// Nothing in an uploaded file may load or run anything.
const POLICY: &str = "default-src 'none'";
/// Vector pictures may style themselves; opened as a page they have no rights.
const POLICY_OF_SHAPES: &str =
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox";

pub struct Media {
    pub content_type: String,
    pub bytes: Bytes,
    /// Identifies exactly this content.
    pub tag: String,
    pub modified: Timestamp,
    /// How long it may be kept, in seconds.
    pub keep: u64,
    pub keeper: Keeper,
}

/// Which caches may keep a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeper {
    /// Any cache on the way: everybody gets the same.
    Anyone,
    /// Only the requester's: others may be refused it.
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

/// Whether the requester has exactly this already. Tags count more than dates (RFC 9110, 13.2.2); a date must be the
/// same, because a file may have been replaced by an older one.
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

/// A date in the form of HTTP: `Thu, 01 Jan 2015 00:00:00 GMT`.
fn http_date(at: Timestamp) -> String {
    let printer = jiff::fmt::rfc2822::DateTimePrinter::new();
    jiff::Timestamp::from_millisecond(at.as_millis())
        .ok()
        .and_then(|at| printer.timestamp_to_rfc9110_string(&at).ok())
        .unwrap_or_else(|| "Thu, 01 Jan 1970 00:00:00 GMT".to_owned())
}

/// The requester may not have the file.
pub fn forbidden() -> Answer {
    Answer::other((StatusCode::FORBIDDEN, "Forbidden"))
}

/// Name and extension of a file name.
pub fn split_name(file: &str) -> (&str, &str) {
    file.rsplit_once('.').unwrap_or((file, ""))
}

/// A file that the store has lost, or that never existed.
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
