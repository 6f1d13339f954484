//! What users change about themselves, and their preferences (contract, conventions 7.2 and 7.3).

use application::identity::second_factors::gate::Strictness;
use application::people::profile::{self, OwnProfile};
use domain::UserId;
use domain::permission::Permission;
use domain::user::{PREFERENCES, PreferenceKind, ProfileChange, UserRefusal};
use serde_json::{Map, Value, json};

use crate::documents::users;
use crate::errors::{ApiError, wording};
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::parameters::{Filled, Inside, Parameters, field};
use crate::http::params::Params;
use crate::http::route::{self, Route};
use crate::http::schema::{Field, Kind, Schema, Style};
use crate::http::second_factors::prover;

const USER: &[(&str, Kind)] = &[("user", Kind::Object)];

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::get("users.getPreferences", preferences)
            .about("Tells what the caller prefers.")
            .answers(&[("preferences", Kind::Object)]),
        route::post("users.updateOwnBasicInfo", update_own)
            .about("Changes the caller's own profile.")
            .answers(USER),
        route::post("users.setPreferences", set_preferences)
            .about("Changes what a user prefers.")
            .answers(USER),
    ]
}

#[derive(Parameters)]
struct UpdateOwn {
    data: Inside<OwnData>,
    custom_fields: Option<Map<String, Value>>,
}

#[derive(Parameters)]
struct OwnData {
    email: Option<Filled>,
    name: Option<String>,
    username: Option<Filled>,
    nickname: Option<String>,
    bio: Option<String>,
    status_text: Option<String>,
    current_password: Option<Filled>,
    new_password: Option<String>,
}

async fn update_own(call: Call, params: UpdateOwn) -> Outcome {
    let Inside(data) = params.data;
    let wish = OwnProfile {
        change: ProfileChange {
            name: data.name,
            bio: data.bio,
            nickname: data.nickname,
            status_text: data.status_text,
            custom_fields: None,
        },
        username: data.username.map(|Filled(name)| name),
        email: data.email.map(|Filled(address)| address),
        password: data.new_password.filter(|password| !password.is_empty()),
        custom_fields: params.custom_fields.map(Value::Object),
    };
    let prover = prover(&call).with_password(data.current_password.as_deref());
    let confirm = async || prover.prove(Strictness::Always).await;
    profile::change_own(&call.state, &call.caller, wish, confirm).await?;
    own_document(&call).await
}

async fn own_document(call: &Call) -> Outcome {
    let user = call.state.views().user(call.caller.id()).await?;
    let user = user.ok_or(ApiError::Unavailable)?;
    Ok(Answer::empty().field("user", &users::raw(&call.state, &user, true)))
}

async fn preferences(call: Call) -> Outcome {
    let chosen = users::chosen_preferences(&call.caller.user);
    Ok(Answer::empty().field("preferences", &chosen))
}

/// The preferences that are to change.
struct Preferences(Map<String, Value>);

impl Parameters for Preferences {
    const SCHEMA: Schema = Schema {
        style: Style::Exact,
        fields: &PREFERENCE_FIELDS,
        parts: &[],
    };

    fn read(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self(std::mem::take(params).into_map()))
    }
}

static PREFERENCE_FIELDS: [Field; PREFERENCES.len()] = {
    let mut fields = [field::<Option<String>>("", false); PREFERENCES.len()];
    let mut index = 0;
    while index < PREFERENCES.len() {
        let (name, kind) = PREFERENCES[index];
        fields[index] = match kind {
            PreferenceKind::Text => field::<Option<String>>(name, false),
            PreferenceKind::Number => field::<Option<f64>>(name, false),
            PreferenceKind::Boolean => field::<Option<bool>>(name, false),
            PreferenceKind::Texts => field::<Option<Vec<String>>>(name, false),
        };
        index += 1;
    }
    fields
};

#[derive(Parameters)]
struct SetPreferences {
    /// The caller if it is not sent.
    user_id: Option<UserId>,
    data: Inside<Preferences>,
}

async fn set_preferences(call: Call, params: SetPreferences) -> Outcome {
    let id = params.user_id.unwrap_or_else(|| call.caller.id().clone());
    if id != *call.caller.id() && !call.may(Permission::EDIT_OTHER_USER_INFO) {
        // Checked before the user, so that nobody learns whether they exist.
        return Err(UserRefusal::EditOtherNotAllowed.into());
    }
    let views = call.state.views();
    if views.user(&id).await?.is_none() {
        return Err(wording::preferences_of_nobody());
    }
    let Inside(Preferences(wanted)) = params.data;
    profile::prefer(&call.state, &call.caller, &id, wanted).await?;
    let user = views.user(&id).await?.ok_or(ApiError::Unavailable)?;
    let chosen = users::chosen_preferences(&user);
    Ok(Answer::empty().field(
        "user",
        &json!({ "_id": id, "settings": { "preferences": chosen } }),
    ))
}
