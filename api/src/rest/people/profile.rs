//! What users change about themselves, and their preferences (contract, conventions 7.2 and 7.3).

use application::identity::second_factor::Strictness;
use application::people::profile::{self, OwnProfile};
use domain::UserId;
use domain::permission::Permission;
use domain::user::{PREFERENCES, PreferenceKind, ProfileChange, UserRefusal};
use serde_json::{Map, Value, json};

use crate::documents::users;
use crate::errors::{ApiError, wording};
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::params::Params;
use crate::http::route::{self, Route};
use crate::http::schema::{Kind, OldSchema};
use crate::http::second_factor::prover;

const USER: &[(&str, Kind)] = &[("user", Kind::Object)];

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::get("users.getPreferences", preferences)
            .about("Tells what the caller prefers.")
            .answers(&[("preferences", Kind::Object)]),
        route::post("users.updateOwnBasicInfo", update_own)
            .about("Changes the caller's own profile.")
            .takes(&OWN)
            .answers(USER),
        route::post("users.setPreferences", set_preferences)
            .about("Changes what a user prefers.")
            .takes(&SET_PREFERENCES)
            .answers(USER),
    ]
}

static OWN_DATA: OldSchema = OldSchema {
    required: &[],
    optional: &[
        ("email", Kind::Text),
        ("name", Kind::Text),
        ("username", Kind::Text),
        ("nickname", Kind::Text),
        ("bio", Kind::Text),
        ("statusText", Kind::Text),
        ("currentPassword", Kind::Text),
        ("newPassword", Kind::Text),
    ],
    one_of: &[],
};

static OWN: OldSchema = OldSchema {
    required: &[("data", Kind::OldShape(&OWN_DATA))],
    optional: &[("customFields", Kind::Object)],
    one_of: &[],
};

/// The preferences as a schema has them.
static KINDS: [(&str, Kind); PREFERENCES.len()] = {
    let mut kinds = [("", Kind::Any); PREFERENCES.len()];
    let mut index = 0;
    while index < PREFERENCES.len() {
        let (name, kind) = PREFERENCES[index];
        let kind = match kind {
            PreferenceKind::Text => Kind::Text,
            PreferenceKind::Number => Kind::Number,
            PreferenceKind::Boolean => Kind::Boolean,
            PreferenceKind::Texts => Kind::Texts,
        };
        kinds[index] = (name, kind);
        index += 1;
    }
    kinds
};

static PREFERENCES_DATA: OldSchema = OldSchema {
    required: &[],
    optional: &KINDS,
    one_of: &[],
};

static SET_PREFERENCES: OldSchema = OldSchema {
    required: &[("data", Kind::OldShape(&PREFERENCES_DATA))],
    optional: &[("userId", Kind::Text)],
    one_of: &[],
};

/// An object among the parameters, whose fields the schema has checked.
fn inner(params: &Params, name: &str) -> Params {
    match params.get(name) {
        Some(Value::Object(fields)) => fields.clone().into(),
        _ => Params::default(),
    }
}

async fn update_own(call: Call) -> Outcome {
    let params = call.input.params()?;
    let data = inner(&params, "data");
    let text = |name: &str| data.text(name).map(|text| text.map(str::to_owned));
    let filled = |name: &str| data.filled(name).map(|text| text.map(str::to_owned));
    let wish = OwnProfile {
        change: ProfileChange {
            name: text("name")?,
            bio: text("bio")?,
            nickname: text("nickname")?,
            status_text: text("statusText")?,
            custom_fields: None,
        },
        username: filled("username")?,
        email: filled("email")?,
        password: text("newPassword")?.filter(|password| !password.is_empty()),
        custom_fields: params.get("customFields").cloned(),
    };
    let current = data.filled("currentPassword")?;
    let prover = prover(&call).with_password(current);
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
    let chosen = profile::chosen(&call.caller.user.doc);
    Ok(Answer::empty().field("preferences", &chosen))
}

async fn set_preferences(call: Call) -> Outcome {
    let params = call.input.params()?;
    let id = match params.filled("userId")? {
        Some(id) => UserId::new(id),
        None => call.caller.id().clone(),
    };
    if id != *call.caller.id() && !call.may(Permission::EDIT_OTHER_USER_INFO) {
        // Checked before the user, so that nobody learns whether they exist.
        return Err(UserRefusal::EditOtherNotAllowed.into());
    }
    let views = call.state.views();
    if views.user(&id).await?.is_none() {
        return Err(wording::preferences_of_nobody());
    }
    let wanted: Map<String, Value> = inner(&params, "data").into_map();
    profile::prefer(&call.state, &call.caller, &id, wanted).await?;
    let user = views.user(&id).await?.ok_or(ApiError::Unavailable)?;
    let chosen = profile::chosen(&user.doc);
    Ok(Answer::empty().field(
        "user",
        &json!({ "_id": id, "settings": { "preferences": chosen } }),
    ))
}
