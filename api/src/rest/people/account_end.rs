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
use crate::http::route::{self, Route};
use crate::http::schema::{Kind, OldSchema};
use crate::rest::lookup;

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::post("users.setActiveStatus", set_active_status)
            .about("Says whether somebody may log in.")
            .takes(&SET_ACTIVE)
            .needs(&[Permission::EDIT_OTHER_USER_ACTIVE_STATUS]),
        route::post("users.deactivateIdle", deactivate_idle)
            .about("Takes the right to log in from those who have not done so for long.")
            .takes(&DEACTIVATE_IDLE)
            .needs(&[Permission::EDIT_OTHER_USER_ACTIVE_STATUS])
            .answers(&[("count", Kind::Number)]),
        route::post("users.delete", delete)
            .about("Deletes an account.")
            .needs(&[Permission::DELETE_USER])
            .knows(&[
                ("userId", Kind::Text),
                ("username", Kind::Text),
                ("user", Kind::Text),
                ("confirmRelinquish", Kind::Boolean),
            ]),
        route::post("users.deleteOwnAccount", delete_own)
            .about("Deletes the caller's own account.")
            .knows(&[
                ("password", Kind::Text),
                ("confirmRelinquish", Kind::Boolean),
            ]),
    ]
}

const DAY_MILLIS: f64 = 24.0 * 60.0 * 60.0 * 1000.0;

static SET_ACTIVE: OldSchema = OldSchema {
    required: &[("userId", Kind::Text), ("activeStatus", Kind::Boolean)],
    optional: &[("confirmRelinquish", Kind::Boolean)],
    one_of: &[],
};

static DEACTIVATE_IDLE: OldSchema = OldSchema {
    required: &[("daysIdle", Kind::Number)],
    optional: &[("role", Kind::Text)],
    one_of: &[],
};

/// `POST /api/v1/users.setActiveStatus`. An unknown id gives success and no user.
async fn set_active_status(call: Call) -> Outcome {
    let params = call.input.params()?;
    let id = UserId::new(params.required("userId")?);
    let active = params.flag("activeStatus");
    let confirmed = params.flag("confirmRelinquish");
    if !account_end::set_active(&call.state, &call.caller, &id, active, confirmed).await? {
        return Ok(Answer::empty());
    }
    Ok(Answer::empty().field("user", &json!({ "_id": id, "active": active })))
}

async fn deactivate_idle(call: Call) -> Outcome {
    let params = call.input.params()?;
    let days = params
        .get("daysIdle")
        .and_then(serde_json::Value::as_f64)
        .unwrap_or_default();
    let role = RoleId::new(params.filled("role")?.unwrap_or("user"));
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a cast of a number that is too large gives the largest, which is as long ago"
    )]
    let span = (days * DAY_MILLIS) as i64;
    let before = Timestamp::from_millis(now().as_millis().saturating_sub(span));
    let idle = call.state.views().idle_users(&role, before).await?;
    let count = account_end::deactivate_idle(&call.state, &call.caller, &idle).await?;
    Ok(Answer::empty().field("count", &count))
}

pub async fn delete(call: Call) -> Outcome {
    let params = call.input.params()?;
    let user = lookup::user(&call.state, &params).await?;
    let confirmed = params.flag("confirmRelinquish");
    account_end::delete(&call.state, &call.caller, &user.id, confirmed).await?;
    Ok(Answer::empty())
}

async fn delete_own(call: Call) -> Outcome {
    let params = call.input.params()?;
    let settings = call.state.views().settings();
    let allowed = settings.bool(keys::ACCOUNTS_ALLOW_DELETE_OWN_ACCOUNT);
    if !allowed {
        return Err(wording::delete_own_not_allowed());
    }
    let password = params
        .filled("password")?
        .ok_or_else(|| wording::body_parameter_missing("password"))?;
    let id = call.caller.id().clone();
    match passwords::prove(&call.state, &id, password).await? {
        PasswordProof::Right => {}
        PasswordProof::Wrong => return Err(wording::invalid_own_password()),
        PasswordProof::NoPassword => {
            let named = PasswordDigest::of(text::trim(&call.caller.user.username));
            if PasswordDigest::from_hex(password).is_none_or(|given| given != named) {
                return Err(wording::invalid_own_username());
            }
        }
    }
    let confirmed = params.flag("confirmRelinquish");
    account_end::delete(&call.state, &call.caller, &id, confirmed).await?;
    Ok(Answer::empty())
}
