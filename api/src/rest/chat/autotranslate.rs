//! Translations (contract, admin 13.4). This server includes no translator; it keeps what
//! members want translated all the same.

use application::chat::autotranslate;
use application::chat::room_access::RoomAccess;
use domain::{MessageId, RoomId};
use serde_json::Value;

use crate::errors::wording;
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::parameters::{Loose, Parameters};
use crate::http::route::{self, Route};
use crate::http::schema::Kind;
use crate::http::translation_form::Wish;

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::get("autotranslate.getSupportedLanguages", languages)
            .about("The languages that messages can be translated into.")
            .answers(&[("languages", Kind::List)]),
        route::post("autotranslate.saveSettings", save_settings)
            .about("Says what the caller wants translated in a room."),
        route::post("autotranslate.translateMessage", translate)
            .about("Asks for the translation of a message."),
    ]
}

#[derive(Parameters)]
#[params(open)]
struct Languages {
    _target_language: Loose<String>,
}

async fn languages(call: Call, _: Languages) -> Outcome {
    autotranslate::must_be_on(&call.state)?;
    autotranslate::must_be_allowed(&call.state, &call.caller)?;
    Ok(Answer::empty().field("languages", &Value::Array(Vec::new())))
}

#[derive(Parameters)]
#[params(open)]
struct SaveSettings {
    room_id: Option<RoomId>,
    #[param(flatten)]
    wish: Wish,
}

async fn save_settings(call: Call, SaveSettings { room_id, wish }: SaveSettings) -> Outcome {
    autotranslate::must_be_on(&call.state)?;
    let room = room_id.ok_or_else(|| wording::translation_param_required("roomId"))?;
    autotranslate::save(&call.state, &call.caller, &room, &wish.command()?).await?;
    Ok(Answer::empty())
}

#[derive(Parameters)]
#[params(open)]
struct Translate {
    message_id: Option<MessageId>,
    _target_language: Loose<String>,
}

/// `POST /api/v1/autotranslate.translateMessage`. Without a translator, no translation arrives.
async fn translate(call: Call, Translate { message_id, .. }: Translate) -> Outcome {
    autotranslate::must_be_on(&call.state)?;
    let id = message_id.ok_or_else(|| wording::translation_param_required("messageId"))?;
    let record = call
        .state
        .views()
        .message(&id)
        .await?
        .ok_or_else(wording::translated_message_unknown)?;
    let place = RoomAccess::of(&call.state, &call.caller, &record.room).await?;
    if !place.is_some_and(|place| place.can_read(&call.caller)) {
        return Err(wording::translated_message_unknown());
    }
    Ok(Answer::empty())
}
