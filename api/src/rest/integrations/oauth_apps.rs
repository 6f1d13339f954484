//! Programs that let people log in with their account here, as administrators manage them (contract, admin 5.2).

use application::integrations::oauth;
use domain::permission::Permission;
use serde_json::{Map, json};

use crate::documents::oauth_apps::{document, stored};
use crate::errors::wording;
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::oauth_app_form::App;
use crate::http::parameters::{Filled, Parameters};
use crate::http::route::{self, Route};
use crate::http::schema::Kind;

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

async fn create(call: Call, app: App) -> Outcome {
    let wish = app
        .properties()
        .ok_or_else(wording::invalid_oauth_arguments)?;
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
    let wish = app
        .properties()
        .ok_or_else(wording::invalid_oauth_arguments)?;
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
