//! Methods about roles, permissions, settings, login services and licences.

use application::admin::{permissions, settings};
use application::caller::Caller;
use application::dates::iso;
use application::identity::second_factors::gate::Strictness;
use application::integrations::login_services;
use domain::permission::Permission;
use domain::permissions::Grant;
use domain::{RoleId, Timestamp};
use projections::Since;
use serde_json::{Value, json};

use crate::documents;
use crate::documents::settings as rows;
use crate::errors::{ApiError, wording};
use crate::http::setting_form;
use crate::methods::args::Args;
use crate::methods::{AnyMethodCall, Method, MethodCall, MethodOutcome, method, open_method};
use crate::state::AppState;

pub(super) fn methods() -> Vec<Method> {
    vec![
        open_method("permissions/get", permissions_get),
        method("authorization:addPermissionToRole", |call| {
            change_permission(call, Grant::Given)
        }),
        method("authorization:removeRoleFromPermission", |call| {
            change_permission(call, Grant::Taken)
        }),
        method("getUserRoles", user_roles),
        open_method("public-settings/get", public_settings),
        method("private-settings/get", private_settings),
        method("saveSetting", save_setting).with_documents(),
        method("saveSettings", save_settings).with_documents(),
        method("getSetupWizardParameters", setup_wizard),
        method("refreshOAuthService", refresh_service),
        method("removeOAuthService", remove_service),
        open_method("license:isEnterprise", |_| async { Ok(json!(false)) }),
        open_method("license:getModules", |_| async { Ok(json!([])) }),
        open_method("license:hasLicense", |_| async { Ok(json!(false)) }),
        open_method("license:getTags", |_| async { Ok(json!([])) }),
    ]
}

/// Without a date, all documents; with one, those changed since and those removed since.
fn synced(
    documents: Vec<(Timestamp, Value)>,
    since: Option<Since>,
    removed: &[(String, Timestamp)],
) -> Value {
    match since {
        None => documents
            .into_iter()
            .map(|(_, document)| document)
            .collect(),
        Some(since) => {
            let update: Vec<Value> = documents
                .into_iter()
                .filter(|(at, _)| since.covers(*at))
                .map(|(_, document)| document)
                .collect();
            let remove: Vec<Value> = removed
                .iter()
                .map(|(id, at)| json!({ "_id": id, "_deletedAt": iso(*at) }))
                .collect();
            json!({ "update": update, "remove": remove })
        }
    }
}

/// The date of a method that returns what changed since.
fn since(state: &AppState, args: &Args) -> Option<Since> {
    args.date(0).map(|asked| state.views().since(asked))
}

/// `permissions/get(date?)`. For anyone: clients evaluate permissions by it before they log in.
async fn permissions_get(call: AnyMethodCall) -> MethodOutcome {
    let since = since(&call.state, &call.args);
    let documents = documents::permissions::documents(&call.state, since).await?;
    if since.is_none() {
        return Ok(json!(documents));
    }
    let remove = documents::permissions::removed(&call.state, since).await?;
    Ok(json!({ "update": documents, "remove": remove }))
}

/// `authorization:addPermissionToRole(id, role)` and `authorization:removeRoleFromPermission(id, role)`.
async fn change_permission(call: MethodCall, grant: Grant) -> MethodOutcome {
    let (permission, role) = (call.args.text(0)?, RoleId::new(call.args.text(1)?));
    permissions::grant(&call.state, &call.caller, permission, &role, grant).await?;
    Ok(Value::Null)
}

/// `getUserRoles()`: who has roles that are shown beside names.
async fn user_roles(call: MethodCall) -> MethodOutcome {
    let holders = documents::roles::public_holders(&call.state).await?;
    Ok(json!(holders))
}

/// `public-settings/get(date?)`.
async fn public_settings(call: AnyMethodCall) -> MethodOutcome {
    let since = since(&call.state, &call.args);
    let mut removed = rows::removed(&call.state, since).await?;
    removed.retain(|(id, _)| domain::settings::lookup(id).is_some_and(|one| one.public));
    let rows = rows::public_rows(&call.state).await?;
    Ok(synced(rows, since, &removed))
}

/// `private-settings/get(date?)`: all settings, or those the caller may change, or none.
async fn private_settings(call: MethodCall) -> MethodOutcome {
    let table = call.state.views().permissions();
    let authority = call.caller.authority(&[], &table);
    let all = authority.has(Permission::VIEW_PRIVILEGED_SETTING)
        || authority.has(Permission::EDIT_PRIVILEGED_SETTING);
    if !all && !authority.has(Permission::MANAGE_SELECTED_SETTINGS) {
        return Ok(json!([]));
    }
    let documents = rows::documents(&call.state, true, |one| {
        all || authority.has_setting(one.id.as_ref())
    })
    .await?;
    let since = since(&call.state, &call.args);
    let mut removed = rows::removed(&call.state, since).await?;
    removed.retain(|(id, _)| all || authority.has_setting(id));
    Ok(synced(documents, since, &removed))
}

/// `saveSetting(id, value, editor)`.
async fn save_setting(call: MethodCall) -> MethodOutcome {
    let wish = json!({
        "_id": call.args.text(0)?, "value": call.args.get(1), "editor": call.args.get(2),
    });
    save(&call, &[wish]).await
}

/// `saveSettings([{_id, value, editor}])`: all of them, or none.
async fn save_settings(call: MethodCall) -> MethodOutcome {
    let wishes = call.args.list(0)?.to_vec();
    save(&call, &wishes).await
}

async fn save(call: &MethodCall, wishes: &[Value]) -> MethodOutcome {
    let wishes = setting_form::wishes(wishes)?;
    let wishes = settings::permitted(&call.state, &call.caller, wishes)?;
    call.prover().prove(Strictness::Normal).await?;
    settings::change(&call.state, &call.caller, &wishes).await?;
    Ok(json!(true))
}

/// `getSetupWizardParameters()`: the questions for the first administrator. Others get what anyone may read.
async fn setup_wizard(call: MethodCall) -> MethodOutcome {
    let (state, right) = (&call.state, Permission::VIEW_PRIVILEGED_SETTING);
    let all = call.caller.may(state, right);
    let documents = rows::documents(&call.state, false, |one| {
        one.group_name() == "Setup_Wizard" && (all || one.public)
    })
    .await?;
    Ok(json!({ "settings": synced(documents, None, &[]), "serverAlreadyRegistered": false }))
}

/// `refreshOAuthService()`: the services follow the settings at once, so there is nothing to refresh.
async fn refresh_service(call: MethodCall) -> MethodOutcome {
    may_add_services(&call.state, &call.caller)?;
    Ok(Value::Null)
}

fn may_add_services(state: &AppState, caller: &Caller) -> Result<(), ApiError> {
    let allowed = caller.may(state, Permission::ADD_OAUTH_SERVICE);
    allowed.then_some(()).ok_or_else(wording::adding_services)
}

/// `removeOAuthService(name)`.
async fn remove_service(call: MethodCall) -> MethodOutcome {
    may_add_services(&call.state, &call.caller)?;
    let name = domain::login_service::service_name(call.args.text(0)?)
        .ok_or_else(wording::service_name_missing)?;
    login_services::remove(&call.state, &call.caller, &name).await?;
    Ok(Value::Null)
}
