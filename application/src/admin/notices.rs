//! What the server itself posts in rooms, through its bot.

use domain::message::PostChecks;
use domain::room::RoomRefusal;
use domain::settings::keys;
use domain::{Timestamp, TokenHash, UserId};

use crate::caller::Caller;
use crate::chat::messages::{self, Draft};
use crate::chat::room_access::RoomAccess;
use crate::dates::iso;
use crate::error::Error;
use crate::identity::login_attempts::Subject;
use crate::ids::now;
use crate::workspace::Workspace;

/// The account the server posts with.
const BOT: &str = "rocket.cat";

/// Tells the channel the operator chose that logins are blocked (`Block_Multiple_Failed_Logins_Notify_Failed*`). If
/// that fails, it is still in the server's log.
pub async fn logins_blocked(
    workspace: &Workspace,
    subject: &Subject,
    failures: u64,
    until: Timestamp,
) {
    let settings = workspace.views().settings();
    let channel = settings
        .text(keys::BLOCK_MULTIPLE_FAILED_LOGINS_NOTIFY_FAILED_CHANNEL)
        .trim_ascii()
        .trim_start_matches('#');
    if !settings.bool(keys::BLOCK_MULTIPLE_FAILED_LOGINS_NOTIFY_FAILED) || channel.is_empty() {
        return;
    }
    let whom = match subject {
        Subject::User(user) => match workspace.views().user(user).await {
            Ok(Some(user)) => format!("user `{}`", user.username),
            _ => return,
        },
        Subject::Address(address) => format!("address `{address}`"),
    };
    let text = format!(
        "Failed login attempts: {failures}. Logins of {whom} are blocked until {}.",
        iso(until)
    );
    if let Err(error) = say(workspace, channel, text).await {
        tracing::warn!(%error, channel, "nobody could be told that logins are blocked");
    }
}

/// Posts into the room with that name.
async fn say(workspace: &Workspace, channel: &str, text: String) -> Result<(), Error> {
    let views = workspace.views();
    let (Some(user), Some(room)) = (
        views.user(&UserId::new(BOT)).await?,
        views.room_by_name(channel).await?,
    ) else {
        return Err(RoomRefusal::NotFound.into());
    };
    let bot = Caller::new(workspace, user, TokenHash::new("")).await?;
    let place = RoomAccess::of(workspace, &bot, &room.id)
        .await?
        .ok_or(RoomRefusal::NotFound)?;
    let draft = Draft {
        id: None,
        text,
        find_links: false,
        previewed: None,
        attachments: None,
        opaque: false,
        presentation: None,
        thread: None,
        parent: None,
        shown_in_room: false,
        at: now(),
        join: true,
        checks: PostChecks::Lenient,
    };
    messages::post(workspace, &bot, &place, draft)
        .await
        .map(drop)
}
