//! Small services: what they answer while what they lead to is not part of this server, and the few things that are
//! (contract, admin 6, 13 and 14).

use application::admin::settings;
use application::ids::{fresh_secret, now};
use axum::http::header;
use domain::settings::keys;
use serde_json::{Value, json};

use crate::errors::{ApiError, wording};
use crate::http::answer::{Answer, Outcome};
use crate::http::call::{Anyone, Call};
use crate::http::schema::{Kind, Schema};
use crate::rest::admin::cloud::REGISTRATION;
use crate::state::AppState;

pub(crate) static FINGERPRINT: Schema = Schema {
    required: &[("setDeploymentAs", Kind::Text)],
    optional: &[],
    one_of: &[],
};

// ---- password policy ------------------------------------------------------------------------------------------

/// The rules that passwords must meet, as clients show them.
pub(crate) fn policy(state: &AppState) -> Value {
    let settings = state.views().settings();
    let enabled = settings.bool(keys::ACCOUNTS_PASSWORD_POLICY_ENABLED);
    let mut policy = Vec::new();
    if enabled {
        for (key, rule) in [
            (keys::ACCOUNTS_PASSWORD_POLICY_MIN_LENGTH, "minLength"),
            (keys::ACCOUNTS_PASSWORD_POLICY_MAX_LENGTH, "maxLength"),
        ] {
            let number = settings.int(key);
            if number > 0 {
                policy.push(json!([format!("get-password-policy-{rule}"), { rule: number }]));
            }
        }
        if settings.bool(keys::ACCOUNTS_PASSWORD_POLICY_FORBID_REPEATING_CHARACTERS) {
            policy.push(json!(["get-password-policy-forbidRepeatingCharacters"]));
            let count =
                settings.int(keys::ACCOUNTS_PASSWORD_POLICY_FORBID_REPEATING_CHARACTERS_COUNT);
            policy.push(json!(["get-password-policy-forbidRepeatingCharactersCount",
                { "forbidRepeatingCharactersCount": count }]));
        }
        for (key, rule) in [
            (
                keys::ACCOUNTS_PASSWORD_POLICY_AT_LEAST_ONE_LOWERCASE,
                "mustContainAtLeastOneLowercase",
            ),
            (
                keys::ACCOUNTS_PASSWORD_POLICY_AT_LEAST_ONE_UPPERCASE,
                "mustContainAtLeastOneUppercase",
            ),
            (
                keys::ACCOUNTS_PASSWORD_POLICY_AT_LEAST_ONE_NUMBER,
                "mustContainAtLeastOneNumber",
            ),
            (
                keys::ACCOUNTS_PASSWORD_POLICY_AT_LEAST_ONE_SPECIAL_CHARACTER,
                "mustContainAtLeastOneSpecialCharacter",
            ),
        ] {
            if settings.bool(key) {
                policy.push(json!([format!("get-password-policy-{rule}")]));
            }
        }
    }
    json!({ "enabled": enabled, "policy": policy })
}

/// `GET /api/v1/pw.getPolicy`.
pub async fn password_policy(call: Anyone) -> Outcome {
    let policy = policy(&call.state);
    Ok(Answer::empty()
        .field("enabled", &policy["enabled"])
        .field("policy", &policy["policy"]))
}

/// `GET /api/v1/pw.getPolicyReset`. The policy is no secret, so the token need not be looked at.
pub async fn password_policy_reset(call: Anyone) -> Outcome {
    call.input.query().required("token")?;
    password_policy(call).await
}

// ---- deployment -----------------------------------------------------------------------------------------------

/// `POST /api/v1/fingerprint`.
pub async fn fingerprint(call: Call) -> Outcome {
    let params = call.input.params()?;
    let changes = match params.required("setDeploymentAs")? {
        "new-workspace" => REGISTRATION
            .into_iter()
            .map(|id| (id, default_of(id)))
            .chain([
                (keys::UNIQUE_ID.id(), json!(fresh_secret())),
                ("Deployment_FingerPrint_Verified", json!(true)),
            ])
            .collect(),
        "updated-configuration" => vec![("Deployment_FingerPrint_Verified", json!(true))],
        _ => return Err(wording::invalid_fingerprint()),
    };
    // Not every version of the settings has every one of them.
    let known: Vec<(&str, Value)> = changes
        .into_iter()
        .filter(|(id, _)| domain::settings::find(id).is_some())
        .collect();
    settings::set_for(&call.state, call.caller.id(), &known).await?;
    Ok(Answer::empty())
}

fn default_of(id: &str) -> Value {
    domain::settings::find(id).map_or(Value::Null, |definition| definition.default.clone())
}

// ---- for browsers and probes ----------------------------------------------------------------------------------

/// `GET /robots.txt`.
pub async fn robots(call: Anyone) -> Outcome {
    let settings = call.state.views().settings();
    let text = settings
        .text(keys::ROBOT_INSTRUCTIONS_FILE_CONTENT)
        .to_owned();
    Ok(plain(text))
}

/// `GET /_timesync`. The time in milliseconds, as text.
pub async fn timesync(_: Anyone) -> Outcome {
    Ok(plain(now().as_millis().to_string()))
}

fn plain(text: String) -> Answer {
    Answer::other((
        [
            (header::CONTENT_TYPE, "text/plain;charset=utf-8"),
            (header::CACHE_CONTROL, "no-store"),
        ],
        text,
    ))
}

/// `POST /api/ecdh_proxy/initEncryptedSession`. There is no encrypted session to be had: transport is encrypted by
/// TLS.
pub async fn encrypted_session(_: Anyone) -> Outcome {
    let body = json!({ "success": false, "error": wording::NOT_ACCEPTABLE });
    Ok(Answer::bare(&body))
}

// ---- import ---------------------------------------------------------------------------------------------------

/// The importers that clients know of.
const IMPORTERS: [&str; 6] = [
    "csv",
    "slack",
    "slack-users",
    "hipchat-enterprise",
    "pending-files",
    "pending-avatars",
];

/// `POST /api/v1/uploadImportFile` and `downloadPublicImportFile`. No importer is part of this server.
pub async fn import_file(call: Call) -> Outcome {
    let params = call.input.params()?;
    let key = params.required("importerKey")?;
    let known = IMPORTERS.contains(&key);
    tracing::debug!(key, known, "an import was asked for");
    Err(wording::importer_not_defined(key))
}

/// `GET /api/v1/getImportFileData`, `getImportProgress`, `getCurrentImportOperation`, `POST startImport`: nothing is being
/// imported.
pub fn no_import(method: &'static str) -> Outcome {
    Err(wording::import_operation_not_found(method))
}

/// `GET /api/v1/getLatestImportOperations`: a bare list.
pub async fn import_operations(_: Call) -> Outcome {
    Ok(Answer::bare(&Value::Array(Vec::new())))
}

/// `POST /api/v1/downloadPendingFiles` and `downloadPendingAvatars`: nothing was imported, so nothing is pending.
pub async fn import_pending(_: Call) -> Outcome {
    Ok(Answer::empty().field("count", &0))
}

// ---- LDAP -----------------------------------------------------------------------------------------------------

/// `POST /api/v1/ldap.*`.
pub async fn ldap(call: Call) -> Outcome {
    if call.state.views().settings().bool(keys::LDAP_ENABLE) {
        Err(wording::ldap_connection_failed())
    } else {
        Err(wording::ldap_disabled())
    }
}

// ---- video conferences ----------------------------------------------------------------------------------------

pub(crate) static START: Schema = Schema {
    required: &[("roomId", Kind::Text)],
    optional: &[("title", Kind::Text), ("allowRinging", Kind::Boolean)],
    one_of: &[],
};
static DEVICES: Schema = Schema {
    required: &[],
    optional: &[("mic", Kind::Boolean), ("cam", Kind::Boolean)],
    one_of: &[],
};
pub(crate) static JOIN: Schema = Schema {
    required: &[("callId", Kind::Text)],
    optional: &[("state", Kind::Shape(&DEVICES))],
    one_of: &[],
};
pub(crate) static CALL: Schema = Schema {
    required: &[("callId", Kind::Text)],
    optional: &[],
    one_of: &[],
};
pub(crate) static CALLS: Schema = Schema {
    required: &[("roomId", Kind::Text)],
    optional: &[("count", Kind::Number), ("offset", Kind::Number)],
    one_of: &[],
};
pub(crate) static NOTHING: Schema = Schema {
    required: &[],
    optional: &[],
    one_of: &[],
};

/// A room that the caller may see; for others there is none.
async fn seen_room(call: &Call) -> Result<(), ApiError> {
    let params = call.input.params()?;
    let room = domain::RoomId::new(params.required("roomId")?);
    let place =
        application::chat::room_access::RoomAccess::of(&call.state, &call.caller, &room).await?;
    if place.is_some_and(|place| place.can_access(&call.caller)) {
        Ok(())
    } else {
        Err(wording::invalid_video_call())
    }
}

/// `POST /api/v1/video-conference.start`. No program that holds conferences is installed.
pub async fn video_start(call: Call) -> Outcome {
    seen_room(&call).await?;
    Err(wording::no_video_provider())
}

/// `POST /api/v1/video-conference.join`, `.cancel`, `GET .info`: there is no such call.
pub async fn video_call(_: Call) -> Outcome {
    Err(wording::invalid_video_call())
}

/// `POST /api/v1/video-conference.join`: there is no such call.
pub async fn video_join(_: Anyone) -> Outcome {
    Err(wording::invalid_video_call())
}

/// `GET /api/v1/video-conference.list`. No call was ever held.
pub async fn video_calls(call: Call) -> Outcome {
    seen_room(&call).await?;
    let page = call.page(&call.input.params()?)?;
    Ok(Answer::empty()
        .field("data", &Value::Array(Vec::new()))
        .field("count", &0)
        .field("offset", &page.slice.offset)
        .field("total", &0))
}

/// `GET /api/v1/video-conference.providers`.
pub async fn video_providers(_: Call) -> Outcome {
    Ok(Answer::empty().field("data", &Value::Array(Vec::new())))
}

/// `GET /api/v1/video-conference.capabilities`.
pub async fn video_capabilities(_: Call) -> Outcome {
    Err(wording::no_video_provider())
}
