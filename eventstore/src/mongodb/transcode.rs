//! Event data between MessagePack, as the domain writes it, and BSON, as an auditor queries it.
//!
//! The leaf of an event covers the exact bytes of its data, so what is read back must equal what was appended,
//! byte for byte. What [`crate::codec::encode`] writes is canonical MessagePack (every number and length in its
//! shortest form) and nearly all of it has an exact BSON counterpart: that is stored as the document field
//! [`DATA`] and written back as canonical MessagePack on reading. Anything else (a number above `i64::MAX`, a
//! 32-bit float, a length written longer than it needs to be, ...) is kept verbatim in the binary field [`RAW`]
//! beside the nearest readable [`DATA`], or without it where BSON has nothing near (a map key that is no text, ...).

use std::collections::HashSet;

use ::mongodb::bson::raw::{RawBsonRef, RawDocument, RawDocumentBuf};
use ::mongodb::bson::spec::{BinarySubtype, ElementType};
use bytes::Bytes;
use rmpv::ValueRef;

/// Field of the readable data.
pub(super) const DATA: &str = "data";
/// Field of the exact bytes, present only where [`DATA`] does not give them.
pub(super) const RAW: &str = "raw";

/// Deeper data is kept only verbatim: MongoDB refuses documents of more than 100 levels.
const MAX_DEPTH: usize = 80;
/// Larger documents are kept only verbatim, bytes. MongoDB refuses documents above 16 MiB; the rest is envelope.
const MAX_DOCUMENT_BYTES: usize = 15 * 1024 * 1024;
/// Below this many keys, comparing each with each is faster than hashing.
const FEW_KEYS: usize = 16;

/// BSON has nothing near this value.
struct Unreadable;

/// The fields [`DATA`] and [`RAW`] of an event document, as far as they apply, as a document of their own.
pub(super) fn to_fields(data: &Bytes) -> RawDocumentBuf {
    let mut fields = vec![0; 4];
    let exact = readable(data, &mut fields).unwrap_or_else(|Unreadable| {
        fields.truncate(4);
        false
    });
    if !exact {
        if fields.len() + data.len() > MAX_DOCUMENT_BYTES {
            fields.truncate(4);
        }
        let start = open_element(&mut fields, RAW);
        binary(&mut fields, data);
        fields[start] = ElementType::Binary as u8;
    }
    close_document(&mut fields, 0);
    // Cannot fail: it begins with its own length and ends with a zero byte. An empty document would be noticed
    // when the event is read.
    RawDocumentBuf::from_bytes(fields).unwrap_or_default()
}

/// The exact data bytes back out of an event document. The error says what is wrong with it.
pub(super) fn from_document(document: &RawDocument) -> Result<Bytes, String> {
    if let Some(raw) = document.get(RAW).map_err(|error| error.to_string())? {
        let raw = raw
            .as_binary()
            .ok_or_else(|| format!("field {RAW} is not binary"))?;
        return Ok(Bytes::copy_from_slice(raw.bytes));
    }
    let data = document
        .get(DATA)
        .map_err(|error| error.to_string())?
        .ok_or_else(|| format!("no field {DATA}"))?;
    let mut bytes = Vec::with_capacity(256);
    rmpv::encode::write_value_ref(&mut bytes, &to_value(data)?)
        .map_err(|error| error.to_string())?;
    Ok(Bytes::from(bytes))
}

/// Appends the element [`DATA`]. Returns whether it gives back exactly `data`.
fn readable(data: &[u8], fields: &mut Vec<u8>) -> Result<bool, Unreadable> {
    let mut rest = data;
    let value = rmpv::decode::read_value_ref_with_max_depth(&mut rest, MAX_DEPTH)
        .map_err(|_| Unreadable)?;
    let mut exact = rest.is_empty();
    let start = open_element(fields, DATA);
    fields[start] = write_value(fields, &value, &mut exact, 0)? as u8;
    if fields.len() > MAX_DOCUMENT_BYTES {
        return Err(Unreadable);
    }
    if exact {
        let mut canonical = Vec::with_capacity(data.len());
        rmpv::encode::write_value_ref(&mut canonical, &value).map_err(|_| Unreadable)?;
        exact = canonical == data;
    }
    Ok(exact)
}

/// Appends `value` without its element head and returns its type. Clears `exact` if it is only near.
fn write_value(
    out: &mut Vec<u8>,
    value: &ValueRef<'_>,
    exact: &mut bool,
    depth: usize,
) -> Result<ElementType, Unreadable> {
    if depth > MAX_DEPTH {
        return Err(Unreadable);
    }
    match value {
        ValueRef::Nil => Ok(ElementType::Null),
        ValueRef::Boolean(value) => {
            out.push(u8::from(*value));
            Ok(ElementType::Boolean)
        }
        ValueRef::Integer(value) => Ok(if let Some(long) = value.as_i64() {
            integer(out, long)
        } else {
            *exact = false;
            double(out, value.as_f64().unwrap_or(f64::NAN))
        }),
        ValueRef::F32(value) => {
            *exact = false;
            Ok(double(out, f64::from(*value)))
        }
        ValueRef::F64(value) => Ok(double(out, *value)),
        ValueRef::String(text) => {
            let text = text.as_str().ok_or(Unreadable)?;
            length(out, text.len() + 1);
            out.extend_from_slice(text.as_bytes());
            out.push(0);
            Ok(ElementType::String)
        }
        ValueRef::Binary(bytes) => {
            binary(out, bytes);
            Ok(ElementType::Binary)
        }
        ValueRef::Array(items) => {
            let start = open_document(out);
            for (index, item) in items.iter().enumerate() {
                let head = open_element(out, &index.to_string());
                out[head] = write_value(out, item, exact, depth + 1)? as u8;
            }
            close_document(out, start);
            Ok(ElementType::Array)
        }
        ValueRef::Map(entries) => {
            let start = open_document(out);
            let mut keys = Vec::with_capacity(entries.len());
            for (key, item) in entries {
                let ValueRef::String(key) = key else {
                    return Err(Unreadable);
                };
                let key = key
                    .as_str()
                    .filter(|key| !key.contains('\0'))
                    .ok_or(Unreadable)?;
                // `$ref`, `$date` and their like mean something to tools and servers, which may rewrite them.
                *exact &= !key.starts_with('$');
                keys.push(key);
                let head = open_element(out, key);
                out[head] = write_value(out, item, exact, depth + 1)? as u8;
            }
            if has_repetition(&keys) {
                return Err(Unreadable);
            }
            close_document(out, start);
            Ok(ElementType::EmbeddedDocument)
        }
        ValueRef::Ext(..) => Err(Unreadable),
    }
}

fn has_repetition(keys: &[&str]) -> bool {
    if keys.len() <= FEW_KEYS {
        keys.iter()
            .enumerate()
            .any(|(index, key)| keys[..index].contains(key))
    } else {
        keys.iter().collect::<HashSet<_>>().len() < keys.len()
    }
}

fn integer(out: &mut Vec<u8>, value: i64) -> ElementType {
    if let Ok(int) = i32::try_from(value) {
        out.extend_from_slice(&int.to_le_bytes());
        ElementType::Int32
    } else {
        out.extend_from_slice(&value.to_le_bytes());
        ElementType::Int64
    }
}

fn double(out: &mut Vec<u8>, value: f64) -> ElementType {
    out.extend_from_slice(&value.to_le_bytes());
    ElementType::Double
}

fn binary(out: &mut Vec<u8>, bytes: &[u8]) {
    length(out, bytes.len());
    out.push(u8::from(BinarySubtype::Generic));
    out.extend_from_slice(bytes);
}

/// Lengths fit: event data is at most [`crate::MAX_EVENT_BYTES`].
fn length(out: &mut Vec<u8>, length: usize) {
    out.extend_from_slice(&i32::try_from(length).unwrap_or(i32::MAX).to_le_bytes());
}

/// Starts an element named `key`. The byte at the returned place is its type, still to be set.
fn open_element(out: &mut Vec<u8>, key: &str) -> usize {
    let start = out.len();
    out.push(0);
    out.extend_from_slice(key.as_bytes());
    out.push(0);
    start
}

fn open_document(out: &mut Vec<u8>) -> usize {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    start
}

fn close_document(out: &mut Vec<u8>, start: usize) {
    out.push(0);
    let length = i32::try_from(out.len() - start).unwrap_or(i32::MAX);
    out[start..start + 4].copy_from_slice(&length.to_le_bytes());
}

fn to_value(value: RawBsonRef<'_>) -> Result<ValueRef<'_>, String> {
    Ok(match value {
        RawBsonRef::Null => ValueRef::Nil,
        RawBsonRef::Boolean(value) => ValueRef::Boolean(value),
        RawBsonRef::Int32(value) => ValueRef::from(value),
        RawBsonRef::Int64(value) => ValueRef::from(value),
        RawBsonRef::Double(value) => ValueRef::F64(value),
        RawBsonRef::String(text) => ValueRef::from(text),
        RawBsonRef::Binary(binary) => ValueRef::Binary(binary.bytes),
        RawBsonRef::Array(array) => ValueRef::Array(
            array
                .into_iter()
                .map(|item| item.map_err(|error| error.to_string()).and_then(to_value))
                .collect::<Result<_, _>>()?,
        ),
        RawBsonRef::Document(document) => ValueRef::Map(
            document
                .iter()
                .map(|entry| {
                    let (key, item) = entry.map_err(|error| error.to_string())?;
                    Ok((ValueRef::from(key.as_str()), to_value(item)?))
                })
                .collect::<Result<_, String>>()?,
        ),
        other => {
            return Err(format!(
                "{:?} is nothing event data is stored as",
                other.element_type()
            ));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rmpv::Value;

    fn encoded(value: &Value) -> Bytes {
        let mut bytes = Vec::new();
        rmpv::encode::write_value(&mut bytes, value).unwrap();
        Bytes::from(bytes)
    }

    /// Whatever MessagePack can say, in the forms serde produces it and in those it does not.
    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Nil),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            (-300_i64..70_000).prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<f32>().prop_map(Value::from),
            ".{0,40}".prop_map(Value::from),
            prop::collection::vec(any::<u8>(), 0..300).prop_map(Value::from),
            (any::<i8>(), prop::collection::vec(any::<u8>(), 0..20))
                .prop_map(|(kind, bytes)| Value::Ext(kind, bytes)),
        ];
        leaf.prop_recursive(6, 96, 24, |inner| {
            let key = prop_oneof![
                8 => "[a-z$.]{0,8}".prop_map(Value::from),
                1 => any::<u16>().prop_map(Value::from),
                1 => Just(Value::from("nul\0key")),
            ];
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..24).prop_map(Value::Array),
                prop::collection::vec((key, inner), 0..24).prop_map(Value::Map),
            ]
        })
    }

    /// A value serde can have written, free of what BSON lacks.
    fn plain_value() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            (-300_i64..70_000).prop_map(Into::into),
            any::<f64>()
                .prop_filter("JSON has no such number", |value| value.is_finite())
                .prop_map(Into::into),
            ".{0,40}".prop_map(Into::into),
        ];
        leaf.prop_recursive(6, 96, 24, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..24).prop_map(Into::into),
                prop::collection::btree_map("([a-zA-Z._ é-][a-zA-Z$._ é-]{0,40})?", inner, 0..24)
                    .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_data_comes_back_byte_for_byte(value in any_value()) {
            let data = encoded(&value);
            prop_assert_eq!(from_document(&to_fields(&data)).unwrap(), data);
        }

        #[test]
        fn bytes_that_are_no_messagepack_come_back_too(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let data = Bytes::from(bytes);
            prop_assert_eq!(from_document(&to_fields(&data)).unwrap(), data);
        }

        #[test]
        fn what_serde_writes_needs_no_raw_copy(value in plain_value()) {
            let data = Bytes::from(rmp_serde::to_vec_named(&value).unwrap());
            let fields = to_fields(&data);
            prop_assert!(fields.get(RAW).unwrap().is_none());
            prop_assert_eq!(from_document(&fields).unwrap(), data);
        }
    }

    #[test]
    fn what_bson_has_only_nearly_keeps_its_exact_bytes_beside_a_readable_value() {
        let fields = to_fields(&encoded(&Value::from(u64::MAX)));
        assert!(fields.get(RAW).unwrap().is_some());
        assert!(matches!(
            fields.get(DATA).unwrap(),
            Some(RawBsonRef::Double(_))
        ));
        let fields = to_fields(&encoded(&Value::Map(vec![("$ref".into(), "x".into())])));
        assert!(fields.get(RAW).unwrap().is_some());
        assert!(matches!(
            fields.get(DATA).unwrap(),
            Some(RawBsonRef::Document(_))
        ));
    }

    #[test]
    fn data_too_large_or_too_deep_for_a_document_is_kept_verbatim() {
        let many = encoded(&Value::Array(vec![
            Value::from(1);
            crate::MAX_EVENT_BYTES - 5
        ]));
        let deep = encoded(&(0..200).fold(Value::Nil, |inner, _| Value::Array(vec![inner])));
        for data in [many, deep] {
            let fields = to_fields(&data);
            assert!(fields.get(DATA).unwrap().is_none());
            assert!(fields.as_bytes().len() < MAX_DOCUMENT_BYTES);
            assert_eq!(from_document(&fields).unwrap(), data);
        }
    }
}
