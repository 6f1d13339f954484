//! Which second factors users have, and what roles that demand one (`mandatory2fa`; contract, admin 2) give without.
//!
//! Such a role gives its rights only to users who have a second factor. Everyone else logs in as before, is shown the
//! role, and can set a factor up, which needs no permission: nobody is locked out, and no client gets an answer it does
//! not know.

use std::sync::Arc;

use domain::RoleId;
use domain::settings::{Settings, keys};
use projections::UserFacts;

use crate::error::Error;
use crate::identity::challenge::Factor;
use crate::workspace::Workspace;

/// Whether second factors are asked for at all.
pub fn is_on(settings: &Settings) -> bool {
    settings.bool(keys::ACCOUNTS_TWO_FACTOR_AUTHENTICATION_ENABLED)
}

/// Which factors of a user count now, and where codes can be mailed to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Enrolled {
    /// An authenticator app.
    pub totp: bool,
    /// Verified addresses that codes are mailed to; empty: none are.
    pub addresses: Vec<String>,
}

impl Enrolled {
    /// The factors; the one that is asked for first comes first.
    pub fn factors(&self) -> impl Iterator<Item = Factor> {
        let email = !self.addresses.is_empty();
        [(self.totp, Factor::Totp), (email, Factor::Email)]
            .into_iter()
            .filter_map(|(there, factor)| there.then_some(factor))
    }
}

/// Which factors of `user` count now. Mail counts only if mail can be sent: a code that never comes would lock users
/// out.
pub async fn enrolled(workspace: &Workspace, user: &UserFacts) -> Result<Enrolled, Error> {
    let facts = workspace.views().second_factors(&user.id).await?;
    let settings = workspace.views().settings();
    let totp = settings.bool(keys::ACCOUNTS_TWO_FACTOR_AUTHENTICATION_BY_TOTP_ENABLED)
        && facts.totp == Some(true);
    let email = settings.bool(keys::ACCOUNTS_TWO_FACTOR_AUTHENTICATION_BY_EMAIL_ENABLED)
        && facts.email == Some(true)
        && workspace.mailer().is_configured();
    let addresses = if email {
        user.verified_addresses().map(str::to_owned).collect()
    } else {
        Vec::new()
    };
    Ok(Enrolled { totp, addresses })
}

/// The roles of a user that give them rights now; `None`: all of them.
pub async fn counting_roles(
    workspace: &Workspace,
    user: &UserFacts,
) -> Result<Option<Arc<[RoleId]>>, Error> {
    let roles = workspace.views().roles();
    let demands = |role: &&RoleId| {
        let definition = roles.get(role);
        definition.is_some_and(|role| role.properties.mandatory_second_factor)
    };
    if !user.roles.iter().any(|role| demands(&role)) || !can_be_met(workspace) {
        return Ok(None);
    }
    if enrolled(workspace, user).await?.factors().next().is_some() {
        return Ok(None);
    }
    let counting = user.roles.iter().filter(|role| !demands(role));
    Ok(Some(counting.cloned().collect()))
}

/// Whether users can set up a second factor here.
fn can_be_met(workspace: &Workspace) -> bool {
    let settings = workspace.views().settings();
    let totp = settings.bool(keys::ACCOUNTS_TWO_FACTOR_AUTHENTICATION_BY_TOTP_ENABLED);
    let email = settings.bool(keys::ACCOUNTS_TWO_FACTOR_AUTHENTICATION_BY_EMAIL_ENABLED)
        && workspace.mailer().is_configured();
    !workspace.config().test_mode && is_on(&settings) && (totp || email)
}
