//! Licences and the cloud, as a community server has them (contract, admin 8): there is no licence, and no cloud is
//! contacted. A registration made elsewhere can be kept.

use application::admin::settings;
use application::ids::fresh_secret;
use axum::http::Method;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::RoleId;
use domain::permission::Permission;
use domain::settings::{Settings, keys};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::errors::wording;
use crate::http::answer::{Answer, Outcome};
use crate::http::call::{Anyone, Call};
use crate::http::parameters::{Document, Flag, Loose, Parameters};
use crate::http::route::{self, Route};
use crate::http::schema::Kind;

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::get("licenses.get", licenses)
            .about("The licences of this workspace: none.")
            .needs(&[Permission::VIEW_PRIVILEGED_SETTING])
            .answers(&[("licenses", Kind::List)]),
        route::post("licenses.add", add_license)
            .about("Takes a licence, which changes nothing here.")
            .needs(&[Permission::EDIT_PRIVILEGED_SETTING]),
        route::get("licenses.maxActiveUsers", max_active_users)
            .about("How many people may be active, and how many are.")
            .answers(&[("maxActiveUsers", Kind::Any), ("activeUsers", Kind::Number)]),
        route::readers(Method::GET, "licenses.isEnterprise", is_enterprise)
            .about("Whether this is the enterprise edition.")
            .answers(&[("isEnterprise", Kind::Boolean)]),
        route::get("licenses.info", license_info)
            .about("What the licence allows.")
            .answers(&[("license", Kind::Object)]),
        route::post("fingerprint", fingerprint)
            .about("Says whether this is a new workspace, or the same one elsewhere.")
            .requires(&[Permission::MANAGE_CLOUD]),
        route::get("cloud.registrationStatus", registration_status)
            .about("Whether the workspace is registered with the cloud; for administrators.")
            .answers(&[("registrationStatus", Kind::Object)]),
        route::post("cloud.manualRegister", manual_register)
            .about("Registers the workspace with the cloud by hand.")
            .needs(&[Permission::REGISTER_ON_CLOUD]),
        route::post("cloud.createRegistrationIntent", registration_intent)
            .about("Begins to register the workspace with the cloud.")
            .needs(&[Permission::MANAGE_CLOUD]),
        route::get("cloud.confirmationPoll", confirmation_poll)
            .about("Whether registering has been confirmed.")
            .needs(&[Permission::MANAGE_CLOUD]),
    ]
}

async fn licenses(_: Call) -> Outcome {
    Ok(Answer::empty().field("licenses", &json!([])))
}

#[derive(Parameters)]
#[params(open)]
struct AddLicense {
    license: Document,
}

/// `POST /api/v1/licenses.add`. A text without the form of a licence is refused; no licence changes what this server
/// does.
async fn add_license(_: Call, AddLicense { license }: AddLicense) -> Outcome {
    let license = license.0.trim_ascii();
    // A signed text, or an encrypted block in base64.
    let block = license.len() >= 64 && license.len() % 4 == 0 && STANDARD.decode(license).is_ok();
    let signed = license.split('.').count() == 3 && license.starts_with("RCV3_");
    if block || signed {
        Ok(Answer::empty())
    } else {
        Err(wording::invalid_license())
    }
}

async fn max_active_users(call: Call) -> Outcome {
    let query = projections::UserQuery {
        active: Some(true),
        slice: projections::Slice::first(1),
        ..projections::UserQuery::default()
    };
    let active = call.state.views().users(query).await?.total;
    Ok(Answer::empty()
        .field("maxActiveUsers", &Value::Null)
        .field("activeUsers", &active))
}

async fn is_enterprise(_: Anyone) -> Outcome {
    Ok(Answer::empty().field("isEnterprise", &false))
}

#[derive(Parameters)]
#[params(open)]
struct LicenseInfo {
    _load_values: Flag,
}

async fn license_info(_: Call, _: LicenseInfo) -> Outcome {
    Ok(Answer::empty().field(
        "license",
        &json!({
            "activeModules": [], "externalModules": [], "preventedActions": {}, "limits": {}, "tags": [],
            "trial": false,
        }),
    ))
}

/// `GET /api/v1/cloud.registrationStatus`; for administrators.
async fn registration_status(call: Call) -> Outcome {
    if !call.caller.roles().contains(&RoleId::new("admin")) {
        return Err(wording::forbidden());
    }
    let settings = call.state.views().settings();
    let email = match settings.text(keys::ORGANIZATION_EMAIL) {
        "" => {
            let oldest = call.state.views().oldest_with_address().await?;
            let address = oldest.as_ref().and_then(|user| user.first_address());
            address.unwrap_or_default().to_owned()
        }
        address => address.to_owned(),
    };
    Ok(Answer::empty().field(
        "registrationStatus",
        &json!({
            "connectToCloud": settings.bool(keys::REGISTER_SERVER),
            "workspaceRegistered": is_registered(&settings),
            "workspaceId": settings.text(keys::CLOUD_WORKSPACE_ID), "uniqueId": settings.text(keys::UNIQUE_ID), "token": "", "email": email,
        }),
    ))
}

/// What a vendor's console gives out for registering a workspace by hand, as JSON in base64.
#[derive(Deserialize)]
struct Registration {
    #[serde(rename = "workspaceId")]
    workspace: String,
    #[serde(default)]
    client_name: String,
    client_id: String,
    client_secret: String,
    #[serde(default)]
    client_secret_expires_at: i64,
    #[serde(default, rename = "publicKey")]
    public_key: String,
    #[serde(default, rename = "registration_client_uri")]
    client_uri: String,
}

/// The settings that hold a registration, without `Register_Server`.
const REGISTRATION: [&str; 7] = [
    keys::CLOUD_WORKSPACE_ID.id(),
    keys::CLOUD_WORKSPACE_NAME.id(),
    keys::CLOUD_WORKSPACE_CLIENT_ID.id(),
    keys::CLOUD_WORKSPACE_CLIENT_SECRET.id(),
    keys::CLOUD_WORKSPACE_CLIENT_SECRET_EXPIRES_AT.id(),
    keys::CLOUD_WORKSPACE_PUBLIC_KEY.id(),
    keys::CLOUD_WORKSPACE_REGISTRATION_CLIENT_URI.id(),
];

fn is_registered(settings: &Settings) -> bool {
    !settings.text(keys::CLOUD_WORKSPACE_CLIENT_ID).is_empty()
        && !settings
            .text(keys::CLOUD_WORKSPACE_CLIENT_SECRET)
            .is_empty()
}

#[derive(Parameters)]
#[params(open)]
struct ManualRegister {
    cloud_blob: Document,
}

/// `POST /api/v1/cloud.manualRegister`: keeps the registration that an administrator brings, its secrets sealed.
/// Nothing is sent anywhere: the services that ask for the workspace's credentials use it.
async fn manual_register(call: Call, params: ManualRegister) -> Outcome {
    if is_registered(&call.state.views().settings()) {
        return Err(wording::already_registered());
    }
    let decoded = STANDARD.decode(params.cloud_blob.0.trim_ascii()).ok();
    let registration: Option<Registration> =
        decoded.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let registration = registration
        .filter(|one| !one.client_id.is_empty() && !one.client_secret.is_empty())
        .ok_or_else(wording::invalid_cloud_blob)?;
    let values = [
        json!(registration.workspace),
        json!(registration.client_name),
        json!(registration.client_id),
        json!(registration.client_secret),
        json!(registration.client_secret_expires_at),
        json!(registration.public_key),
        json!(registration.client_uri),
    ];
    let mut changes: Vec<(&str, Value)> = REGISTRATION.into_iter().zip(values).collect();
    changes.push((keys::REGISTER_SERVER.id(), json!(true)));
    settings::set_for(&call.state, call.caller.id(), &changes).await?;
    Ok(Answer::empty())
}

#[derive(Parameters)]
#[params(open)]
struct RegistrationIntent {
    _resend: Flag,
    _email: Loose<String>,
}

async fn registration_intent(_: Call, _: RegistrationIntent) -> Outcome {
    Err(wording::invalid_cloud_query())
}

#[derive(Parameters)]
#[params(open)]
struct ConfirmationPoll {
    _device_code: Loose<String>,
}

async fn confirmation_poll(_: Call, _: ConfirmationPoll) -> Outcome {
    Err(wording::invalid_cloud_query())
}

#[derive(Parameters)]
struct Fingerprint {
    set_deployment_as: String,
}

async fn fingerprint(call: Call, params: Fingerprint) -> Outcome {
    let changes = match params.set_deployment_as.as_str() {
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
    // Not every version of the settings has all of them.
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
