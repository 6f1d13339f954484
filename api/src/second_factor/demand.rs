//! Roles that demand a second factor (`mandatory2fa`; contract, admin 2).
//!
//! Such a role gives its rights to those who have a second factor. Everybody else logs in as ever, is shown the role,
//! and can set a factor up, which takes no right: nobody is locked out, and no client meets an answer it does not know.

use std::sync::Arc;

use domain::RoleId;
use projections::UserFacts;

use super::{enrolled, is_on};
use crate::error::ApiError;
use crate::state::AppState;

/// The roles of a user that give them rights now; `None`: all of them.
pub async fn counting_roles(
    state: &AppState,
    user: &UserFacts,
) -> Result<Option<Arc<[RoleId]>>, ApiError> {
    let roles = state.views().roles();
    let demands = |role: &&RoleId| {
        let definition = roles.get(role);
        definition.is_some_and(|role| role.properties.mandatory_second_factor)
    };
    if !user.roles.iter().any(|role| demands(&role)) || !can_be_met(state) {
        return Ok(None);
    }
    if enrolled(state, user).await?.factors().next().is_some() {
        return Ok(None);
    }
    let counting = user.roles.iter().filter(|role| !demands(role));
    Ok(Some(counting.cloned().collect()))
}

/// Whether people can set up a second factor here.
fn can_be_met(state: &AppState) -> bool {
    let settings = state.views().settings();
    let totp = settings.bool("Accounts_TwoFactorAuthentication_By_TOTP_Enabled");
    let email = settings.bool("Accounts_TwoFactorAuthentication_By_Email_Enabled")
        && state.mailer().is_configured();
    !state.config().test_mode && is_on(&settings) && (totp || email)
}
