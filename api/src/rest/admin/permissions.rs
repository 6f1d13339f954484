//! Permissions, as clients evaluate them (contract, admin 3 and clients 5).

use std::collections::HashSet;

use application::admin::permissions;
use domain::RoleId;
use domain::permission::Permission;
use domain::permissions::Grant;
use serde_json::Value;

use crate::documents::permissions::{documents, removed};
use crate::errors::wording;
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::parameters::{Date, Long, Loose, Parameters};
use crate::http::route::{self, Route};
use crate::http::schema::Kind;

const MANAGE: &[Permission] = &[Permission::ACCESS_PERMISSIONS];

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::get("permissions.listAll", list_all)
            .about(
                "Every permission with the roles that hold it, or those that changed since a date.",
            )
            .answers(&[("update", Kind::List), ("remove", Kind::List)]),
        route::post("permissions.update", update)
            .about("Says which roles hold permissions.")
            .needs_or(MANAGE, wording::editing_permissions)
            .answers(&[("permissions", Kind::List)]),
        route::post("permissions.addRole", |call, params| {
            change_role(call, params, Grant::Given)
        })
        .about("Gives a role a permission.")
        .requires(MANAGE),
        route::post("permissions.removeRole", |call, params| {
            change_role(call, params, Grant::Taken)
        })
        .about("Takes a permission from a role.")
        .requires(MANAGE),
    ]
}

#[derive(Parameters)]
#[params(open)]
struct ListAll {
    updated_since: Option<Date>,
}

async fn list_all(call: Call, ListAll { updated_since }: ListAll) -> Outcome {
    let since = call
        .changes_since(updated_since)
        .map_err(|_| wording::invalid_date("error-roomId-param-invalid", "updatedSince"))?;
    let update = documents(&call.state, since).await?;
    let remove = removed(&call.state, since).await?;
    Ok(Answer::empty()
        .field("update", &update)
        .field("remove", &remove))
}

#[derive(Parameters)]
#[params(open)]
struct Update {
    permissions: Loose<Vec<Value>>,
}

/// `POST /api/v1/permissions.update`: all or nothing.
async fn update(call: Call, Update { permissions }: Update) -> Outcome {
    let wishes = wishes(permissions.value.as_ref());
    let wishes = wishes.ok_or_else(wording::invalid_permissions_body)?;
    permissions::replace(&call.state, &call.caller, &wishes).await?;
    let all = documents(&call.state, None).await?;
    Ok(Answer::empty().field("permissions", &all))
}

#[derive(Parameters)]
struct ChangeRole {
    permission_id: Long<1>,
    role: Long<1>,
}

async fn change_role(call: Call, params: ChangeRole, grant: Grant) -> Outcome {
    let (permission, role) = (params.permission_id.0, RoleId::new(params.role.0));
    permissions::grant(&call.state, &call.caller, &permission, &role, grant).await?;
    Ok(Answer::empty())
}

/// `[{_id, roles: [..]}]` with every role once.
fn wishes(body: Option<&Value>) -> Option<Vec<(String, Vec<RoleId>)>> {
    let list = body?.as_array().filter(|list| !list.is_empty())?;
    list.iter()
        .map(|entry| {
            let fields = entry.as_object()?;
            if fields.keys().any(|key| key != "_id" && key != "roles") {
                return None;
            }
            let roles: Vec<RoleId> = entry["roles"]
                .as_array()?
                .iter()
                .map(|role| role.as_str().map(RoleId::new))
                .collect::<Option<_>>()?;
            let unique: HashSet<&RoleId> = roles.iter().collect();
            let name = entry["_id"].as_str()?;
            (unique.len() == roles.len()).then(|| (name.to_owned(), roles))
        })
        .collect()
}
