//! Translations (contract, admin 13.4). This server includes no translator; it keeps what
//! members want translated all the same.

use application::caller::Caller;
use application::chat::members;
use application::chat::room_access::RoomAccess;
use application::error::Error;
use application::ids::now;
use domain::RoomId;
use domain::membership::{MembershipCommand, MembershipRefusal};
use domain::permission::Permission;
use domain::settings::keys;
use serde_json::Value;

use crate::errors::{ApiError, wording};
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::params::Params;
use crate::http::route::{self, Route};
use crate::http::schema::Kind;
use crate::state::AppState;

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::get("autotranslate.getSupportedLanguages", languages)
            .about("The languages that messages can be translated into.")
            .knows(&[("targetLanguage", Kind::Text)])
            .answers(&[("languages", Kind::List)]),
        route::post("autotranslate.saveSettings", save_settings)
            .about("Says what the caller wants translated in a room.")
            .knows(&[
                ("roomId", Kind::Text),
                ("field", Kind::Text),
                ("value", Kind::Any),
                ("defaultLanguage", Kind::Text),
            ]),
        route::post("autotranslate.translateMessage", translate)
            .about("Asks for the translation of a message.")
            .knows(&[("messageId", Kind::Text), ("targetLanguage", Kind::Text)]),
    ]
}

pub(crate) fn must_be_on(state: &AppState) -> Result<(), ApiError> {
    if state.views().settings().bool(keys::AUTO_TRANSLATE_ENABLED) {
        Ok(())
    } else {
        Err(wording::autotranslate_disabled())
    }
}

async fn languages(call: Call) -> Outcome {
    must_be_on(&call.state)?;
    if !call.may(Permission::AUTO_TRANSLATE) {
        return Err(wording::autotranslate_not_allowed());
    }
    Ok(Answer::empty().field("languages", &Value::Array(Vec::new())))
}

/// What a member wants translated, from the body.
pub(crate) fn wanted(params: &Params) -> Result<MembershipCommand, ApiError> {
    let required = |name: &str| {
        params
            .get(name)
            .ok_or_else(|| wording::translation_param_required(name))
    };
    let field = required("field")?;
    let value = required("value")?;
    let at = now();
    match field.as_str() {
        Some("autoTranslate") => match value {
            Value::Bool(enabled) => Ok(MembershipCommand::Translate {
                enabled: Some(*enabled),
                language: params
                    .text("defaultLanguage")?
                    .filter(|_| *enabled)
                    .map(str::to_owned),
                at,
            }),
            _ => Err(wording::body_param_type("autoTranslate", "boolean")),
        },
        Some("autoTranslateLanguage") => match value {
            Value::String(language) => Ok(MembershipCommand::Translate {
                enabled: None,
                language: Some(language.clone()),
                at,
            }),
            _ => Err(wording::body_param_type("autoTranslateLanguage", "string")),
        },
        _ => Err(wording::translation_param_required("field")),
    }
}

async fn save_settings(call: Call) -> Outcome {
    must_be_on(&call.state)?;
    let params = call.input.params()?;
    let room = params
        .filled("roomId")?
        .ok_or_else(|| wording::translation_param_required("roomId"))?;
    let command = wanted(&params)?;
    save(&call.state, &call.caller, room, &command).await?;
    Ok(Answer::empty())
}

/// Keeps what the caller wants translated in a room.
pub(crate) async fn save(
    state: &AppState,
    caller: &Caller,
    room: &str,
    command: &MembershipCommand,
) -> Result<(), ApiError> {
    if !caller.may(state, Permission::AUTO_TRANSLATE) {
        return Err(wording::autotranslate_not_allowed());
    }
    let invalid = || wording::invalid_subscription("saveAutoTranslateSettings");
    let place = RoomAccess::of(state, caller, &RoomId::new(room))
        .await?
        .ok_or_else(invalid)?;
    let user = caller.id().clone();
    match members::change(state, caller, &place, &user, command).await {
        Err(Error::Membership(MembershipRefusal::NotAMember)) => Err(invalid()),
        Err(error) => Err(error.into()),
        Ok(_) => Ok(()),
    }
}

/// `POST /api/v1/autotranslate.translateMessage`. Without a translator, no translation arrives.
async fn translate(call: Call) -> Outcome {
    must_be_on(&call.state)?;
    let params = call.input.params()?;
    let id = params
        .filled("messageId")?
        .ok_or_else(|| wording::translation_param_required("messageId"))?;
    let record = call
        .state
        .views()
        .message(&domain::MessageId::new(id))
        .await?
        .ok_or_else(wording::translated_message_unknown)?;
    let place = RoomAccess::of(&call.state, &call.caller, &record.room).await?;
    if !place.is_some_and(|place| place.can_read(&call.caller)) {
        return Err(wording::translated_message_unknown());
    }
    Ok(Answer::empty())
}
