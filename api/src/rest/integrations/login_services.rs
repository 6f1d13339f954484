//! Logins with accounts of other services, for the login screens of clients (contract, admin 5.1).

use application::integrations::login_services;
use axum::http::Method;
use domain::permission::Permission;
use domain::settings::{Key, Settings, keys};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::errors::wording;
use crate::http::answer::{Answer, Outcome};
use crate::http::call::{Anyone, Call};
use crate::http::parameters::{Loose, Parameters};
use crate::http::route::{self, Route};
use crate::http::schema::Kind;

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::public(Method::GET, "settings.oauth", oauth)
            .about("The ways to log in with an account elsewhere, as login screens show them.")
            .answers(&[("services", Kind::List)]),
        route::public(
            Method::GET,
            "service.configurations",
            service_configurations,
        )
        .about("The ways to log in with an account elsewhere, in full but for their secrets.")
        .answers(&[("configurations", Kind::List)]),
        route::post("settings.addCustomOAuth", add_custom)
            .about("Adds a way to log in with an account elsewhere, disabled at first.")
            .needs_or(&[Permission::ADD_OAUTH_SERVICE], wording::adding_services)
            .second_factor(),
    ]
}

/// Services every workspace knows: the name on the wire, the switch whose id the other settings begin with, and the
/// name of the id that the service gives.
const BUILTIN: [(&str, Key<bool>, &str); 10] = [
    ("apple", keys::ACCOUNTS_OAUTH_APPLE, "clientId"),
    ("facebook", keys::ACCOUNTS_OAUTH_FACEBOOK, "appId"),
    ("github", keys::ACCOUNTS_OAUTH_GITHUB, "clientId"),
    (
        "github_enterprise",
        keys::ACCOUNTS_OAUTH_GIT_HUB_ENTERPRISE,
        "clientId",
    ),
    ("gitlab", keys::ACCOUNTS_OAUTH_GITLAB, "clientId"),
    ("google", keys::ACCOUNTS_OAUTH_GOOGLE, "clientId"),
    ("linkedin", keys::ACCOUNTS_OAUTH_LINKEDIN, "clientId"),
    ("meteor-developer", keys::ACCOUNTS_OAUTH_METEOR, "clientId"),
    ("nextcloud", keys::ACCOUNTS_OAUTH_NEXTCLOUD, "clientId"),
    ("twitter", keys::ACCOUNTS_OAUTH_TWITTER, "consumerKey"),
];

/// Fields of a custom service's document, and the suffixes of the settings they come from.
const CUSTOM: [(&str, &str); 26] = [
    ("clientId", "-id"),
    ("serverURL", "-url"),
    ("tokenPath", "-token_path"),
    ("identityPath", "-identity_path"),
    ("authorizePath", "-authorize_path"),
    ("scope", "-scope"),
    ("accessTokenParam", "-access_token_param"),
    ("buttonLabelText", "-button_label_text"),
    ("buttonLabelColor", "-button_label_color"),
    ("buttonColor", "-button_color"),
    ("loginStyle", "-login_style"),
    ("tokenSentVia", "-token_sent_via"),
    ("identityTokenSentVia", "-identity_token_sent_via"),
    ("keyField", "-key_field"),
    ("usernameField", "-username_field"),
    ("emailField", "-email_field"),
    ("nameField", "-name_field"),
    ("avatarField", "-avatar_field"),
    ("rolesClaim", "-roles_claim"),
    ("groupsClaim", "-groups_claim"),
    ("channelsMap", "-groups_channel_map"),
    ("channelsAdmin", "-channels_admin"),
    ("mergeUsers", "-merge_users"),
    ("mapChannels", "-map_channels"),
    ("mergeRoles", "-merge_roles"),
    ("rolesToSync", "-roles_to_sync"),
];

/// An id that is the same on every node and at any time.
fn id_of(service: &str) -> String {
    let digest = Sha256::digest(format!("login service {service}"));
    let mut bytes = [0_u8; 17];
    bytes.copy_from_slice(&digest[..17]);
    domain::id::id_from_bytes(&bytes).into_string()
}

/// The documents of all services that are enabled, without their secrets.
fn configurations(settings: &Settings) -> Vec<Value> {
    let mut services: Vec<Value> = BUILTIN
        .iter()
        .filter(|(_, switch, _)| settings.bool(*switch))
        .map(|(service, switch, key)| builtin(settings, service, switch.id(), key))
        .collect();
    services.extend(wordpress(settings));
    services.extend(
        settings
            .services()
            .filter_map(|name| custom(settings, name)),
    );
    services.extend(cas(settings));
    services.extend(saml(settings));
    services
}

fn builtin(settings: &Settings, service: &str, prefix: &str, key: &str) -> Value {
    let mut doc = json!({ "_id": id_of(service), "service": service });
    doc[key] = json!(settings.get(&format!("{prefix}_id")));
    match service {
        "gitlab" => doc["serverURL"] = json!(settings.text(keys::API_GITLAB_URL)),
        "github_enterprise" => {
            doc["serverURL"] = json!(settings.text(keys::API_GIT_HUB_ENTERPRISE_URL));
        }
        "nextcloud" => {
            doc["serverURL"] = json!(settings.text(keys::ACCOUNTS_OAUTH_NEXTCLOUD_URL));
            for (field, ending) in [
                ("buttonLabelText", "button_label_text"),
                ("buttonLabelColor", "button_label_color"),
                ("buttonColor", "button_color"),
            ] {
                doc[field] = json!(settings.get(&format!("{prefix}_{ending}")));
            }
        }
        _ => {}
    }
    doc
}

fn wordpress(settings: &Settings) -> Option<Value> {
    if !settings.bool(keys::ACCOUNTS_OAUTH_WORDPRESS) {
        return None;
    }
    Some(json!({
        "_id": id_of("wordpress"), "service": "wordpress", "clientId": settings.text(keys::ACCOUNTS_OAUTH_WORDPRESS_ID),
        "serverURL": settings.text(keys::API_WORDPRESS_URL), "serverType": settings.text(keys::ACCOUNTS_OAUTH_WORDPRESS_SERVER_TYPE),
        "identityPath": settings.text(keys::ACCOUNTS_OAUTH_WORDPRESS_IDENTITY_PATH), "identityTokenSentVia": settings.text(keys::ACCOUNTS_OAUTH_WORDPRESS_IDENTITY_TOKEN_SENT_VIA),
        "tokenPath": settings.text(keys::ACCOUNTS_OAUTH_WORDPRESS_TOKEN_PATH), "authorizePath": settings.text(keys::ACCOUNTS_OAUTH_WORDPRESS_AUTHORIZE_PATH), "scope": settings.text(keys::ACCOUNTS_OAUTH_WORDPRESS_SCOPE),
    }))
}

fn custom(settings: &Settings, name: &str) -> Option<Value> {
    let prefix = format!("{}{name}", domain::settings::CUSTOM_SERVICE);
    let on = |id: &str| settings.get(id) == &Value::Bool(true);
    if !on(&prefix) {
        return None;
    }
    let service = name.to_lowercase();
    let mut doc = Map::new();
    doc.insert("_id".to_owned(), json!(id_of(&service)));
    doc.insert("service".to_owned(), json!(service));
    doc.insert("custom".to_owned(), json!(true));
    for (field, ending) in CUSTOM {
        let value = settings.get(&format!("{prefix}{ending}")).clone();
        doc.insert(field.to_owned(), value);
    }
    let shown = on(&format!("{prefix}-show_button"));
    doc.insert("showButton".to_owned(), json!(shown));
    Some(Value::Object(doc))
}

fn cas(settings: &Settings) -> Option<Value> {
    settings.bool(keys::CAS_ENABLED).then(|| {
        json!({
            "_id": id_of("cas"), "service": "cas", "enabled": true,
            "base_url": settings.text(keys::CAS_BASE_URL), "login_url": settings.text(keys::CAS_LOGIN_URL),
            "buttonLabelText": settings.text(keys::CAS_BUTTON_LABEL_TEXT),
            "buttonLabelColor": settings.text(keys::CAS_BUTTON_LABEL_COLOR),
            "buttonColor": settings.text(keys::CAS_BUTTON_COLOR),
            "width": settings.int(keys::CAS_POPUP_WIDTH), "height": settings.int(keys::CAS_POPUP_HEIGHT),
            "autoclose": settings.bool(keys::CAS_AUTOCLOSE),
        })
    })
}

fn saml(settings: &Settings) -> Option<Value> {
    settings.bool(keys::SAML_CUSTOM_DEFAULT).then(|| {
        json!({
            "_id": id_of("saml"), "service": "saml",
            "buttonLabelText": settings.text(keys::SAML_CUSTOM_DEFAULT_BUTTON_LABEL_TEXT), "buttonLabelColor": settings.text(keys::SAML_CUSTOM_DEFAULT_BUTTON_LABEL_COLOR),
            "buttonColor": settings.text(keys::SAML_CUSTOM_DEFAULT_BUTTON_COLOR),
            "clientConfig": { "provider": settings.text(keys::SAML_CUSTOM_DEFAULT_PROVIDER) },
        })
    })
}

/// `GET /api/v1/settings.oauth`. Custom services and a few others are shown in full, the rest in short.
async fn oauth(call: Anyone) -> Outcome {
    let services: Vec<Value> = configurations(&call.state.views().settings())
        .into_iter()
        .map(|service| {
            let name = service["service"].as_str().unwrap_or_default();
            let whole =
                service["custom"] == json!(true) || matches!(name, "saml" | "cas" | "wordpress");
            if whole { service } else { short(&service) }
        })
        .collect();
    Ok(Answer::empty().field("services", &services))
}

fn short(service: &Value) -> Value {
    let id = ["appId", "clientId", "consumerKey"]
        .iter()
        .find_map(|key| service.get(*key));
    let text = |field: &str| service.get(field).cloned().unwrap_or_else(|| json!(""));
    json!({
        "_id": service["_id"], "name": service["service"], "clientId": id,
        "buttonLabelText": text("buttonLabelText"), "buttonColor": text("buttonColor"),
        "buttonLabelColor": text("buttonLabelColor"), "custom": false,
    })
}

async fn service_configurations(call: Anyone) -> Outcome {
    let configurations = configurations(&call.state.views().settings());
    Ok(Answer::empty().field("configurations", &configurations))
}

#[derive(Parameters)]
#[params(open)]
struct AddCustom {
    name: Loose<String>,
}

async fn add_custom(call: Call, AddCustom { name }: AddCustom) -> Outcome {
    let name = name
        .text()
        .and_then(domain::login_service::service_name)
        .ok_or_else(wording::service_name_missing)?;
    login_services::add(&call.state, &call.caller, &name).await?;
    Ok(Answer::empty())
}
