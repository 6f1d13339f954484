//! Translations (contract, admin 13.4). This server includes no translator; it keeps what
//! members want translated all the same.

use application::caller::Caller;
use application::chat::members;
use application::chat::room_access::RoomAccess;
use application::error::Error;
use application::ids::now;
use domain::membership::{MembershipCommand, MembershipRefusal};
use domain::permission::Permission;
use domain::settings::keys;
use domain::{MessageId, RoomId};
use serde_json::Value;

use crate::errors::{ApiError, wording};
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::parameters::{Loose, Parameters};
use crate::http::route::{self, Route};
use crate::http::schema::Kind;
use crate::state::AppState;

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

pub(crate) fn must_be_on(state: &AppState) -> Result<(), ApiError> {
    if state.views().settings().bool(keys::AUTO_TRANSLATE_ENABLED) {
        Ok(())
    } else {
        Err(wording::autotranslate_disabled())
    }
}

#[derive(Parameters)]
#[params(open)]
struct Languages {
    _target_language: Loose<String>,
}

async fn languages(call: Call, _: Languages) -> Outcome {
    must_be_on(&call.state)?;
    if !call.may(Permission::AUTO_TRANSLATE) {
        return Err(wording::autotranslate_not_allowed());
    }
    Ok(Answer::empty().field("languages", &Value::Array(Vec::new())))
}

/// What a member wants translated.
#[derive(Parameters)]
#[params(open)]
pub(crate) struct Wish {
    field: Loose<String>,
    value: Option<Value>,
    default_language: Option<String>,
}

impl Wish {
    pub(crate) fn command(self) -> Result<MembershipCommand, ApiError> {
        let missing = |name| move || wording::translation_param_required(name);
        let field = self.field.value.ok_or_else(missing("field"))?;
        let value = self.value.ok_or_else(missing("value"))?;
        let (enabled, language) = match (field.as_str(), value) {
            (Some("autoTranslate"), Value::Bool(enabled)) => {
                (Some(enabled), self.default_language.filter(|_| enabled))
            }
            (Some("autoTranslate"), _) => {
                return Err(wording::body_param_type("autoTranslate", "boolean"));
            }
            (Some("autoTranslateLanguage"), Value::String(language)) => (None, Some(language)),
            (Some("autoTranslateLanguage"), _) => {
                return Err(wording::body_param_type("autoTranslateLanguage", "string"));
            }
            _ => return Err(wording::translation_param_required("field")),
        };
        Ok(MembershipCommand::Translate {
            enabled,
            language,
            at: now(),
        })
    }
}

#[derive(Parameters)]
#[params(open)]
struct SaveSettings {
    room_id: Option<RoomId>,
    #[param(flatten)]
    wish: Wish,
}

async fn save_settings(call: Call, SaveSettings { room_id, wish }: SaveSettings) -> Outcome {
    must_be_on(&call.state)?;
    let room = room_id.ok_or_else(|| wording::translation_param_required("roomId"))?;
    save(&call.state, &call.caller, &room, &wish.command()?).await?;
    Ok(Answer::empty())
}

/// Keeps what the caller wants translated in a room.
pub(crate) async fn save(
    state: &AppState,
    caller: &Caller,
    room: &RoomId,
    command: &MembershipCommand,
) -> Result<(), ApiError> {
    if !caller.may(state, Permission::AUTO_TRANSLATE) {
        return Err(wording::autotranslate_not_allowed());
    }
    let invalid = || wording::invalid_subscription("saveAutoTranslateSettings");
    let place = RoomAccess::of(state, caller, room)
        .await?
        .ok_or_else(invalid)?;
    let user = caller.id().clone();
    match members::change(state, caller, &place, &user, command).await {
        Err(Error::Membership(MembershipRefusal::NotAMember)) => Err(invalid()),
        Err(error) => Err(error.into()),
        Ok(_) => Ok(()),
    }
}

#[derive(Parameters)]
#[params(open)]
struct Translate {
    message_id: Option<MessageId>,
    _target_language: Loose<String>,
}

/// `POST /api/v1/autotranslate.translateMessage`. Without a translator, no translation arrives.
async fn translate(call: Call, Translate { message_id, .. }: Translate) -> Outcome {
    must_be_on(&call.state)?;
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
