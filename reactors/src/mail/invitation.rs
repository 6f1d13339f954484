//! Invitations to people without an account: mailed at once, while whoever invites them waits.

use application::ids::fresh_id;
use application::outside::mail::{Mailbox, SendError, is_address};
use application::workspace::Workspace;
use domain::settings::keys;
use domain::text;

use super::invitation_mail;

/// Most invitations at a time.
const MOST: usize = 50;

/// Why people are not invited, or not all of them.
#[derive(Debug, thiserror::Error)]
pub enum NotInvited {
    #[error("more than {MOST} at a time")]
    TooMany,
    #[error("there is no mail server")]
    NoServer,
    #[error(transparent)]
    NotSent(#[from] SendError),
}

/// Mails invitations to those addresses that are valid; returns these.
pub async fn invite(workspace: &Workspace, addresses: &[&str]) -> Result<Vec<String>, NotInvited> {
    if addresses.len() > MOST {
        return Err(NotInvited::TooMany);
    }
    let mut invited: Vec<String> = addresses
        .iter()
        .map(|address| text::trim(address))
        .filter(|address| is_address(address))
        .map(str::to_owned)
        .collect();
    invited.sort();
    invited.dedup();
    if !workspace.mailer().is_configured() {
        return Err(NotInvited::NoServer);
    }
    let settings = workspace.views().settings();
    if text::is_blank(settings.text(keys::INVITATION_EMAIL)) {
        return Ok(Vec::new());
    }
    for address in &invited {
        let to = Mailbox {
            name: None,
            address: address.clone(),
        };
        let mail = invitation_mail(&settings, to, &fresh_id());
        workspace.mailer().send(&mail).await?;
    }
    Ok(invited)
}
