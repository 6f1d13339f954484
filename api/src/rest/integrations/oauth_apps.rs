//! Programs that let people log in with their account here, as administrators manage them (contract, admin 5.2).

use application::dates::iso;
use application::integrations::oauth;
use domain::oauth_app::OAuthAppProperties;
use domain::permission::Permission;
use projections::OAuthAppRecord;
use serde_json::{Map, Value, json};

use crate::documents::users::author;
use crate::errors::{ApiError, wording};
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::parameters::{Filled, Loose, Parameters};
use crate::http::params::Params;
use crate::http::route::{self, Route};
use crate::http::schema::Kind;
use crate::methods::{MethodCall, MethodOutcome};
use crate::state::AppState;

const APPS: &[Permission] = &[Permission::MANAGE_OAUTH_APPS];

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::get("oauth-apps.list", list)
            .about("The programs that let people log in with their account here.")
            .needs_or(APPS, wording::not_allowed_text)
            .answers(&[("oauthApps", Kind::List)]),
        route::get("oauth-apps.get", get)
            .about("One such program; its secret only for those who may manage them.")
            .answers(&[("oauthApp", Kind::Object)]),
        route::post("oauth-apps.create", create)
            .about("Adds such a program.")
            .needs_or(APPS, wording::managing_oauth_apps)
            .answers(&[("application", Kind::Object)]),
        route::post("oauth-apps.update", update)
            .about("Changes such a program.")
            .needs_or(APPS, wording::managing_oauth_apps),
        route::post("oauth-apps.delete", delete)
            .about("Removes such a program, and everything granted to it.")
            .needs_or(APPS, wording::managing_oauth_apps),
    ]
}

/// The wire document of an app, with its secret.
async fn document(state: &AppState, app: &OAuthAppRecord) -> Result<Value, ApiError> {
    let mut document = json!({
        "_id": app.id,
        "name": app.properties.name,
        "active": app.properties.active,
        "clientId": app.client_id,
        "clientSecret": oauth::secret(state, app),
        "redirectUri": app.properties.redirect_uris,
        "_createdAt": iso(app.created.0),
        "_createdBy": author(state, &app.created.1).await?,
    });
    if let Some((at, by)) = &app.updated {
        document["_updatedAt"] = json!(iso(*at));
        document["_updatedBy"] = author(state, by).await?;
    }
    Ok(document)
}

async fn list(call: Call) -> Outcome {
    let mut apps = Vec::new();
    for app in call.state.views().oauth_apps().await? {
        apps.push(document(&call.state, &app).await?);
    }
    Ok(Answer::empty().field("oauthApps", &apps))
}

#[derive(Parameters)]
#[params(open)]
struct Get {
    client_id: Option<Filled>,
    app_id: Option<Filled>,
}

/// `GET /api/v1/oauth-apps.get`: by exactly one of its ids. Callers who may not manage apps get what a consent page
/// shows.
async fn get(call: Call, named: Get) -> Outcome {
    let app = match (named.client_id, named.app_id) {
        (Some(client_id), None) => call.state.views().oauth_client(&client_id).await?,
        (None, Some(id)) => call.state.views().oauth_app(&id).await?,
        _ => return Err(wording::oauth_app_selector()),
    };
    let managing = call.may(Permission::MANAGE_OAUTH_APPS);
    let app = app
        .filter(|app| managing || app.properties.active)
        .ok_or_else(wording::oauth_app_not_found)?;
    let document = if managing {
        document(&call.state, &app).await?
    } else {
        json!({ "_id": app.id, "name": app.properties.name, "clientId": app.client_id, "active": true })
    };
    Ok(Answer::empty().field("oauthApp", &document))
}

#[derive(Parameters)]
#[params(open)]
struct App {
    name: Loose<String>,
    /// The addresses as one text, or as a list.
    redirect_uri: Option<Value>,
    active: Loose<bool>,
}

fn properties(wish: App) -> Result<OAuthAppProperties, ApiError> {
    let name = match wish.name.value {
        None => String::new(),
        Some(Value::String(name)) => name,
        Some(_) => return Err(wording::invalid_oauth_arguments()),
    };
    let redirect_uris = match wish.redirect_uri {
        None => Vec::new(),
        Some(Value::String(text)) => OAuthAppProperties::addresses(&text),
        Some(Value::Array(list)) => list
            .iter()
            .filter_map(Value::as_str)
            .flat_map(OAuthAppProperties::addresses)
            .collect(),
        Some(_) => return Err(wording::invalid_oauth_arguments()),
    };
    let active = match wish.active.value {
        Some(Value::Bool(active)) => active,
        Some(Value::String(text)) if text == "true" || text == "false" => text == "true",
        _ => return Err(wording::invalid_oauth_arguments()),
    };
    Ok(OAuthAppProperties {
        name,
        redirect_uris,
        active,
    })
}

async fn stored(state: &AppState, id: &str) -> Result<Value, ApiError> {
    match state.views().oauth_app(id).await? {
        Some(app) => document(state, &app).await,
        None => Err(wording::oauth_app_not_found()),
    }
}

async fn create(call: Call, app: App) -> Outcome {
    let wish = properties(app)?;
    let id = oauth::add_app(&call.state, &call.caller, wish).await?;
    let app = stored(&call.state, &id).await?;
    Ok(Answer::empty().field("application", &app))
}

#[derive(Parameters)]
#[params(open)]
struct Update {
    app_id: String,
    #[param(flatten)]
    app: App,
}

async fn update(call: Call, Update { app_id, app }: Update) -> Outcome {
    let wish = properties(app)?;
    oauth::change_app(&call.state, &call.caller, &app_id, wish).await?;
    let app = stored(&call.state, &app_id).await?;
    Ok(Answer::empty().fields(app.as_object().unwrap_or(&Map::new())))
}

#[derive(Parameters)]
#[params(open)]
struct Delete {
    app_id: String,
}

async fn delete(call: Call, Delete { app_id }: Delete) -> Outcome {
    oauth::remove_app(&call.state, &call.caller, &app_id).await?;
    Ok(Answer::empty())
}

/// Checks the right to manage apps, before the arguments are looked at.
fn managed(call: &MethodCall, method: &str) -> Result<(), ApiError> {
    let table = call.state.views().permissions();
    let may = call
        .caller
        .authority(&[], &table)
        .has(Permission::MANAGE_OAUTH_APPS);
    may.then_some(())
        .ok_or_else(|| wording::managing_oauth_apps().method(method))
}

/// The properties of an app in an argument of a method.
fn argument(wish: &Map<String, Value>, method: &str) -> Result<OAuthAppProperties, ApiError> {
    let app = App::read(&mut Params::from(wish.clone()))?;
    properties(app).map_err(|error| error.method(method))
}

/// `addOAuthApp({name, redirectUri, active})`.
pub async fn add_by_method(call: MethodCall) -> MethodOutcome {
    let method = "addOAuthApp";
    managed(&call, method)?;
    let wish = argument(call.args.object(0)?, method)?;
    let id = oauth::add_app(&call.state, &call.caller, wish)
        .await
        .map_err(|error| ApiError::from(error).method(method))?;
    stored(&call.state, &id).await
}

/// `updateOAuthApp(id, {...})`.
pub async fn change_by_method(call: MethodCall) -> MethodOutcome {
    let method = "updateOAuthApp";
    managed(&call, method)?;
    let id = call.args.text(0)?.to_owned();
    let wish = argument(call.args.object(1)?, method)?;
    oauth::change_app(&call.state, &call.caller, &id, wish)
        .await
        .map_err(|error| ApiError::from(error).method(method))?;
    stored(&call.state, &id).await
}

/// `deleteOAuthApp(id)`.
pub async fn remove_by_method(call: MethodCall) -> MethodOutcome {
    let method = "deleteOAuthApp";
    managed(&call, method)?;
    oauth::remove_app(&call.state, &call.caller, call.args.text(0)?)
        .await
        .map_err(|error| ApiError::from(error).method(method))?;
    Ok(json!(true))
}
