//! The shape of attachments (contract, messages 2.1): known keys must have their type, unknown ones pass.

use serde_json::{Map, Value};

use super::MessageRefusal;
use crate::link;

/// The type of a known key.
#[derive(Clone, Copy)]
enum Shape {
    Text,
    Number,
    TextOrNumber,
    Flag,
    Link,
    Media,
    Picture,
    Dimensions,
    Fields,
    Actions,
}

const ATTACHMENT: &[(&str, Shape)] = &[
    ("color", Shape::Text),
    ("text", Shape::Text),
    ("title", Shape::Text),
    ("author_name", Shape::Text),
    ("button_alignment", Shape::Text),
    ("image_preview", Shape::Text),
    ("image_type", Shape::Text),
    ("audio_type", Shape::Text),
    ("video_type", Shape::Text),
    ("ts", Shape::TextOrNumber),
    ("collapsed", Shape::Flag),
    ("title_link_download", Shape::Flag),
    ("image_size", Shape::Number),
    ("audio_size", Shape::Number),
    ("video_size", Shape::Number),
    ("image_dimensions", Shape::Dimensions),
    ("thumb_url", Shape::Media),
    ("message_link", Shape::Link),
    ("author_link", Shape::Link),
    ("author_icon", Shape::Picture),
    ("title_link", Shape::Link),
    ("image_url", Shape::Media),
    ("audio_url", Shape::Media),
    ("video_url", Shape::Media),
    ("fields", Shape::Fields),
    ("actions", Shape::Actions),
];

const FIELD: &[(&str, Shape)] = &[
    ("short", Shape::Flag),
    ("title", Shape::Text),
    ("value", Shape::Text),
];

const ACTION: &[(&str, Shape)] = &[
    ("type", Shape::Text),
    ("text", Shape::Text),
    ("msg", Shape::Text),
    ("webview_height_ratio", Shape::Text),
    ("url", Shape::Link),
    ("image_url", Shape::Media),
    ("is_webview", Shape::Flag),
    ("msg_in_chat_window", Shape::Flag),
];

/// The attachments as they are recorded, with the values of fields as texts; refused when one has a wrong shape.
pub(super) fn checked(mut attachments: Vec<Value>) -> Result<Vec<Value>, MessageRefusal> {
    for attachment in &mut attachments {
        let attachment = object(attachment, "attachments")?;
        if let Some(Value::Array(fields)) = attachment.get_mut("fields") {
            fields.iter_mut().for_each(field_value_as_text);
        }
        check(attachment, ATTACHMENT)?;
    }
    harmless(&attachments)?;
    Ok(attachments)
}

/// Refuses addresses that must not be followed, wherever they stand.
pub(super) fn harmless(values: &[Value]) -> Result<(), MessageRefusal> {
    values
        .iter()
        .all(link::are_harmless)
        .then_some(())
        .ok_or(MessageRefusal::InvalidLink)
}

fn object<'a>(
    value: &'a mut Value,
    key: &'static str,
) -> Result<&'a mut Map<String, Value>, MessageRefusal> {
    value
        .as_object_mut()
        .ok_or(MessageRefusal::InvalidShape { key })
}

fn field_value_as_text(field: &mut Value) {
    if let Some(value) = field.get_mut("value")
        && (value.is_number() || value.is_boolean())
    {
        *value = Value::String(value.to_string());
    }
}

fn check(
    object: &Map<String, Value>,
    shapes: &[(&'static str, Shape)],
) -> Result<(), MessageRefusal> {
    for (key, shape) in shapes {
        match object.get(*key) {
            None | Some(Value::Null) => {}
            Some(value) => check_value(key, *shape, value)?,
        }
    }
    Ok(())
}

fn check_value(key: &'static str, shape: Shape, value: &Value) -> Result<(), MessageRefusal> {
    let fits = match shape {
        Shape::Text => value.is_string(),
        Shape::Number => value.is_number(),
        Shape::TextOrNumber => value.is_string() || value.is_number(),
        Shape::Flag => value.is_boolean(),
        Shape::Link => return address(key, value, link::is_link),
        Shape::Media => return address(key, value, link::is_media),
        // Quotes made by the server show `/avatar/<name>` here.
        Shape::Picture => return address(key, value, link::is_picture),
        Shape::Dimensions => ["width", "height"]
            .iter()
            .all(|side| value.get(side).is_some_and(Value::is_number)),
        Shape::Fields => return check_each(key, value, FIELD),
        Shape::Actions => return check_each(key, value, ACTION),
    };
    fits.then_some(())
        .ok_or(MessageRefusal::InvalidShape { key })
}

fn address(key: &'static str, value: &Value, fits: fn(&str) -> bool) -> Result<(), MessageRefusal> {
    match value.as_str() {
        Some(text) if fits(text) => Ok(()),
        Some(_) => Err(MessageRefusal::InvalidLink),
        None => Err(MessageRefusal::InvalidShape { key }),
    }
}

fn check_each(
    key: &'static str,
    value: &Value,
    shapes: &[(&'static str, Shape)],
) -> Result<(), MessageRefusal> {
    let list = value
        .as_array()
        .ok_or(MessageRefusal::InvalidShape { key })?;
    for one in list {
        check(
            one.as_object()
                .ok_or(MessageRefusal::InvalidShape { key })?,
            shapes,
        )?;
    }
    Ok(())
}
