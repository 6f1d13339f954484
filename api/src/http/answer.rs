//! Success bodies, written straight into bytes: documents of the views are copied, not parsed and written again.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Serialize;

use crate::errors::ApiError;

pub type Outcome = Result<Answer, ApiError>;

/// A success body in the making: `{"<name>":...,"success":true}`.
#[derive(Debug)]
pub struct Answer {
    body: Vec<u8>,
    /// The last field of the envelope; login and logout have `status` instead of `success`.
    end: &'static [u8],
    /// Sent instead of an envelope.
    instead: Option<Response>,
}

impl Default for Answer {
    fn default() -> Self {
        Self::with_capacity(64)
    }
}

impl Answer {
    /// `{"success":true}`, to which fields can be added.
    pub fn empty() -> Self {
        Self::default()
    }

    /// The same, with room for about `bytes` bytes of fields.
    pub fn with_capacity(bytes: usize) -> Self {
        let mut body = Vec::with_capacity(bytes + 20);
        body.push(b'{');
        Self {
            body,
            end: b"\"success\":true}",
            instead: None,
        }
    }

    /// `{"status":"success","data":...}`, the envelope of login and logout.
    pub fn status_data<T: Serialize + ?Sized>(data: &T) -> Self {
        let mut answer = Self::default().field("data", data);
        answer.end = b"\"status\":\"success\"}";
        answer
    }

    /// An answer that is no envelope: a picture, a redirection, a bare list.
    pub fn other(response: impl IntoResponse) -> Self {
        Self {
            instead: Some(response.into_response()),
            ..Self::default()
        }
    }

    /// An answer that was made before: what [`Self::into_bytes`] returned.
    pub fn made(body: Bytes) -> Self {
        Self::other(([(header::CONTENT_TYPE, "application/json")], body))
    }

    /// A value without an envelope, as JSON.
    pub fn bare<T: Serialize + ?Sized>(value: &T) -> Self {
        let body = serde_json::to_vec(value).unwrap_or_default();
        Self::other(([(header::CONTENT_TYPE, "application/json")], body))
    }

    #[must_use]
    pub fn field<T: Serialize + ?Sized>(mut self, name: &str, value: &T) -> Self {
        self.name(name);
        let start = self.body.len();
        if let Err(error) = serde_json::to_writer(&mut self.body, value) {
            // Only a map with keys that are not texts fails here; answers have none.
            tracing::error!(%error, name, "an answer could not be written");
            self.body.truncate(start);
            self.body.extend_from_slice(b"null");
        }
        self.body.push(b',');
        self
    }

    /// One field that is JSON already.
    #[must_use]
    pub fn raw(mut self, name: &str, json: &[u8]) -> Self {
        self.name(name);
        self.body.extend_from_slice(json);
        self.body.push(b',');
        self
    }

    /// One field: a list of items that are JSON already.
    #[must_use]
    pub fn raw_list<T: AsRef<[u8]>>(mut self, name: &str, items: &[T]) -> Self {
        self.name(name);
        // Allocated at once: a buffer that grows by doubling takes up to three times what it holds.
        let bytes: usize = items.iter().map(|item| item.as_ref().len() + 1).sum();
        self.body.reserve(bytes + 2);
        self.body.push(b'[');
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.body.push(b',');
            }
            self.body.extend_from_slice(item.as_ref());
        }
        self.body.extend_from_slice(b"],");
        self
    }

    /// One field: an object with the fields of `inner`.
    #[must_use]
    pub fn nested(self, name: &str, inner: Self) -> Self {
        let mut object = inner.body;
        object.pop_if(|last| *last == b',');
        object.push(b'}');
        self.raw(name, &object)
    }

    /// Every field of an object, at the top level of the answer.
    #[must_use]
    pub fn fields(self, fields: &serde_json::Map<String, serde_json::Value>) -> Self {
        fields
            .iter()
            .fold(self, |answer, (name, value)| answer.field(name, value))
    }

    pub fn into_bytes(mut self) -> Bytes {
        self.body.extend_from_slice(self.end);
        Bytes::from(self.body)
    }

    fn name(&mut self, name: &str) {
        self.body.push(b'"');
        self.body.extend_from_slice(name.as_bytes());
        self.body.extend_from_slice(b"\":");
    }
}

impl IntoResponse for Answer {
    fn into_response(mut self) -> Response {
        if let Some(response) = self.instead.take() {
            return response;
        }
        let mut response = Response::new(self.into_bytes().into());
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(answer: Answer) -> String {
        String::from_utf8_lossy(&answer.into_bytes()).into_owned()
    }

    #[test]
    fn documents_are_copied_into_the_envelope() {
        assert_eq!(text(Answer::empty()), r#"{"success":true}"#);
        assert_eq!(
            text(Answer::empty().raw("message", br#"{"a":1}"#)),
            r#"{"message":{"a":1},"success":true}"#
        );
        let list = Answer::empty()
            .raw_list("rooms", &[&b"{}"[..], b"[]"])
            .field("total", &2);
        assert_eq!(text(list), r#"{"rooms":[{},[]],"total":2,"success":true}"#);
        let nested = Answer::empty().nested("in", Answer::empty().field("a", &1));
        assert_eq!(text(nested), r#"{"in":{"a":1},"success":true}"#);
        let nothing = Answer::empty().nested("in", Answer::empty());
        assert_eq!(text(nothing), r#"{"in":{},"success":true}"#);
        assert_eq!(
            text(Answer::status_data("x")),
            r#"{"data":"x","status":"success"}"#
        );
    }
}
