//! Who may log in, and the end of accounts (contract, conventions 7.4).

use application::identity::password_hasher::PasswordDigest;
use application::identity::passwords::{self, PasswordProof};
use application::ids::now;
use application::people::account_end;
use domain::permission::Permission;
use domain::settings::keys;
use domain::{RoleId, Timestamp, UserId, text};
use serde_json::json;

use crate::errors::wording;
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::parameters::{Filled, Flag, Parameters, Positive};
use crate::http::route::{self, Route};
use crate::http::schema::Kind;
use crate::rest::lookup::{self, UserNamed};

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::post("users.setActiveStatus", set_active_status)
            .about("Says whether somebody may log in.")
            .needs(&[Permission::EDIT_OTHER_USER_ACTIVE_STATUS]),
        route::post("users.deactivateIdle", deactivate_idle)
            .about("Takes the right to log in from those who have not done so for long.")
            .needs(&[Permission::EDIT_OTHER_USER_ACTIVE_STATUS])
            .answers(&[("count", Kind::Number)]),
        route::post("users.delete", delete)
            .about("Deletes an account.")
            .needs(&[Permission::DELETE_USER]),
        route::post("users.deleteOwnAccount", delete_own)
            .about("Deletes the caller's own account."),
    ]
}

const DAY_MILLIS: f64 = 24.0 * 60.0 * 60.0 * 1000.0;

#[derive(Parameters)]
struct SetActiveStatus {
    user_id: UserId,
    active_status: bool,
    confirm_relinquish: Option<bool>,
}

/// `POST /api/v1/users.setActiveStatus`. An unknown id gives success and no user.
async fn set_active_status(call: Call, params: SetActiveStatus) -> Outcome {
    let (id, active) = (params.user_id, params.active_status);
    let confirmed = params.confirm_relinquish.unwrap_or_default();
    if !account_end::set_active(&call.state, &call.caller, &id, active, confirmed).await? {
        return Ok(Answer::empty());
    }
    Ok(Answer::empty().field("user", &json!({ "_id": id, "active": active })))
}

#[derive(Parameters)]
struct DeactivateIdle {
    days_idle: Positive,
    /// `user` if it is not sent.
    role: Option<RoleId>,
}

async fn deactivate_idle(
    call: Call,
    DeactivateIdle {
        days_idle: Positive(days_idle),
        role,
    }: DeactivateIdle,
) -> Outcome {
    let role = role.unwrap_or_else(|| RoleId::new("user"));
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a cast of a number that is too large gives the largest, which is as long ago"
    )]
    let span = (days_idle * DAY_MILLIS) as i64;
    let before = Timestamp::from_millis(now().as_millis().saturating_sub(span));
    let idle = call.state.views().idle_users(&role, before).await?;
    let count = account_end::deactivate_idle(&call.state, &call.caller, &idle).await?;
    Ok(Answer::empty().field("count", &count))
}

#[derive(Parameters)]
#[params(open)]
struct Delete {
    #[param(flatten)]
    user: UserNamed,
    confirm_relinquish: Flag,
}

async fn delete(call: Call, params: Delete) -> Outcome {
    let user = lookup::user(&call.state, &params.user).await?;
    let Flag(confirmed) = params.confirm_relinquish;
    account_end::delete(&call.state, &call.caller, &user.id, confirmed).await?;
    Ok(Answer::empty())
}

#[derive(Parameters)]
#[params(open)]
struct DeleteOwn {
    password: Option<Filled>,
    confirm_relinquish: Flag,
}

async fn delete_own(call: Call, params: DeleteOwn) -> Outcome {
    let settings = call.state.views().settings();
    let allowed = settings.bool(keys::ACCOUNTS_ALLOW_DELETE_OWN_ACCOUNT);
    if !allowed {
        return Err(wording::delete_own_not_allowed());
    }
    let password = params
        .password
        .ok_or_else(|| wording::body_parameter_missing("password"))?;
    let id = call.caller.id().clone();
    match passwords::prove(&call.state, &id, &password).await? {
        PasswordProof::Right => {}
        PasswordProof::Wrong => return Err(wording::invalid_own_password()),
        PasswordProof::NoPassword => {
            let named = PasswordDigest::of(text::trim(&call.caller.user.username));
            if PasswordDigest::from_hex(&password).is_none_or(|given| given != named) {
                return Err(wording::invalid_own_username());
            }
        }
    }
    let Flag(confirmed) = params.confirm_relinquish;
    account_end::delete(&call.state, &call.caller, &id, confirmed).await?;
    Ok(Answer::empty())
}
