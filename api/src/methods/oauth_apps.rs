//! Methods about programs that let people log in with their account here (contract, admin 5.2).

use application::error::Error;
use application::integrations::oauth;
use domain::oauth_app::OAuthAppProperties;
use domain::permission::Permission;
use serde_json::json;

use crate::documents::oauth_apps::stored;
use crate::errors::{ApiError, refusals, wording};
use crate::http::oauth_app_form::App;
use crate::http::parameters::Parameters as _;
use crate::http::params::Params;
use crate::methods::{Method, MethodCall, MethodOutcome, method};

pub(super) fn methods() -> Vec<Method> {
    vec![
        method("addOAuthApp", add),
        method("updateOAuthApp", change),
        method("deleteOAuthApp", remove),
    ]
}

/// Checks the right to manage apps, before the arguments are looked at.
fn managed(call: &MethodCall, method: &str) -> Result<(), ApiError> {
    let may = call.caller.may(&call.state, Permission::MANAGE_OAUTH_APPS);
    may.then_some(())
        .ok_or_else(|| wording::method_not_allowed(method))
}

/// The properties of an app in that argument.
fn argument(call: &MethodCall, index: usize, method: &str) -> Result<OAuthAppProperties, ApiError> {
    let app = App::read(&mut Params::from(call.args.object(index)?.clone()))?;
    app.properties()
        .ok_or_else(|| wording::invalid_oauth_arguments_of(method))
}

/// What a method that failed is answered with.
fn refused(method: &'static str) -> impl Fn(Error) -> ApiError {
    move |error| match error {
        Error::OAuthApp(refusal) => refusals::oauth_app_of_method(refusal, method),
        error => error.into(),
    }
}

/// `addOAuthApp({name, redirectUri, active})`.
async fn add(call: MethodCall) -> MethodOutcome {
    const METHOD: &str = "addOAuthApp";
    managed(&call, METHOD)?;
    let wish = argument(&call, 0, METHOD)?;
    let added = oauth::add_app(&call.state, &call.caller, wish).await;
    stored(&call.state, &added.map_err(refused(METHOD))?).await
}

/// `updateOAuthApp(id, {...})`.
async fn change(call: MethodCall) -> MethodOutcome {
    const METHOD: &str = "updateOAuthApp";
    managed(&call, METHOD)?;
    let id = call.args.text(0)?;
    let wish = argument(&call, 1, METHOD)?;
    let changed = oauth::change_app(&call.state, &call.caller, id, wish).await;
    changed.map_err(refused(METHOD))?;
    stored(&call.state, id).await
}

/// `deleteOAuthApp(id)`.
async fn remove(call: MethodCall) -> MethodOutcome {
    const METHOD: &str = "deleteOAuthApp";
    managed(&call, METHOD)?;
    let removed = oauth::remove_app(&call.state, &call.caller, call.args.text(0)?).await;
    removed.map_err(refused(METHOD))?;
    Ok(json!(true))
}
