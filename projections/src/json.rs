//! Wire documents to and from the bytes that rows hold.

use bytes::Bytes;
use rusqlite::types::Type;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::{RawValue, to_raw_value};

pub(crate) fn encode<T: Serialize>(document: &T) -> rusqlite::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(512);
    serde_json::to_writer(&mut bytes, document)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
    Ok(bytes)
}

/// A part of a document that is never looked into again.
pub(crate) fn raw<T: Serialize>(part: &T) -> rusqlite::Result<Box<RawValue>> {
    to_raw_value(part).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

/// A list as `json_each` takes it.
pub(crate) fn list<T: Serialize>(items: &[T]) -> rusqlite::Result<String> {
    serde_json::to_string(items)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

/// Reads a document that [`encode`] wrote.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> rusqlite::Result<T> {
    serde_json::from_slice(bytes)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(0, Type::Blob, Box::new(error)))
}

/// Adds a field whose value is already encoded to a document that has at least one field.
pub(crate) fn splice(document: &mut Vec<u8>, name: &str, value: &[u8]) {
    if document.pop() == Some(b'}') {
        document.extend_from_slice(b",\"");
        document.extend_from_slice(name.as_bytes());
        document.extend_from_slice(b"\":");
        document.extend_from_slice(value);
        document.push(b'}');
    }
}

/// One document of two, neither of which is empty.
pub(crate) fn joined(document: &[u8], rest: Option<&[u8]>) -> Bytes {
    match (
        document.strip_suffix(b"}"),
        rest.and_then(|rest| rest.strip_prefix(b"{")),
    ) {
        (Some(document), Some(rest)) => [document, b",", rest].concat().into(),
        _ => Bytes::copy_from_slice(document),
    }
}

pub(crate) fn column(row: &rusqlite::Row<'_>, index: usize) -> rusqlite::Result<Bytes> {
    Ok(Bytes::copy_from_slice(row.get_ref(index)?.as_bytes()?))
}

/// The most bytes of message documents in one answer. A page ends early rather than being larger: clients who want the
/// rest ask from there.
pub(crate) const PAGE_BYTES: usize = 8 * 1024 * 1024;

/// The documents of a page, up to [`PAGE_BYTES`] and at least one.
pub(crate) fn page(
    documents: impl Iterator<Item = rusqlite::Result<Bytes>>,
) -> rusqlite::Result<Vec<Bytes>> {
    let numbered = documents.map(|document| Ok(((), document?)));
    Ok(numbered_page(numbered)?
        .into_iter()
        .map(|((), document)| document)
        .collect())
}

/// The same of documents that each have a number, or whatever the next page is asked for with.
pub(crate) fn numbered_page<N>(
    documents: impl Iterator<Item = rusqlite::Result<(N, Bytes)>>,
) -> rusqlite::Result<Vec<(N, Bytes)>> {
    let (mut page, mut bytes) = (Vec::new(), 0);
    for document in documents {
        let (number, document) = document?;
        bytes += document.len();
        if bytes > PAGE_BYTES && !page.is_empty() {
            break;
        }
        page.push((number, document));
    }
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_ends_where_it_is_large_enough() {
        let document = |size: usize| Ok(Bytes::from(vec![b'x'; size]));
        let third = PAGE_BYTES / 3;
        let whole = page((0..5).map(|_| document(third))).expect("documents");
        assert_eq!(whole.len(), 3);
        let one = page((0..2).map(|_| document(2 * PAGE_BYTES))).expect("documents");
        assert_eq!(one.len(), 1, "or nobody would ever get past it");
        assert_eq!(
            page((0..5).map(|_| document(1))).expect("documents").len(),
            5
        );
    }

    #[test]
    fn a_written_value_can_be_added() {
        let mut document = br#"{"a":1}"#.to_vec();
        super::splice(&mut document, "b", br#"{"c":2}"#);
        assert_eq!(document, br#"{"a":1,"b":{"c":2}}"#);
    }
}
