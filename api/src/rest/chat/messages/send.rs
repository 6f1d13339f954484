//! `chat.sendMessage`: what people post.

use domain::RoomId;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::errors::{ApiError, wording};
use crate::http::answer::{Answer, Outcome};
use crate::http::call::{Call, FromInput, Input};
use crate::http::message_form::{self, SentMessage};
use crate::http::parameters::field;
use crate::http::route::{self, Route};
use crate::http::schema::{Kind, Schema};
use crate::http::send_form::told;

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::post("chat.sendMessage", send)
            .about("Posts a message, with an id of the caller's choice if it likes.")
            .answers(&[("message", Kind::Object)]),
    ]
}

/// The body of `chat.sendMessage`: what clients rely on; anything else in it is ignored.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sent {
    message: Option<SentMessage>,
    preview_urls: Option<Vec<String>>,
}

impl FromInput for Sent {
    const SCHEMA: Schema = Schema {
        fields: &[
            field::<Map<String, Value>>("message", false),
            field::<Vec<String>>("previewUrls", false),
        ],
        ..Schema::OPEN
    };

    fn from_input(input: &mut Input) -> Result<Self, ApiError> {
        match input.json() {
            Some(sent) => Ok(sent),
            // The slower parse finds the words for what is wrong.
            None => Input::typed(input.params()?),
        }
    }
}

async fn send(call: Call, sent: Sent) -> Outcome {
    let message = sent.message.ok_or_else(wording::message_param_missing)?;
    let room = RoomId::new(message.rid.as_deref().unwrap_or_default());
    let doc = message_form::post(&call.state, &call.caller, message, sent.preview_urls)
        .await
        .map_err(|error| told(&call.state, &call.caller, &room, error))?;
    Ok(Answer::with_capacity(doc.len() + 16).raw("message", &doc))
}
