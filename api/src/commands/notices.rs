//! What the server itself says in rooms, through its bot.

use application::identity::login_attempts::Subject;
use application::ids::now;
use domain::message::PostChecks;
use domain::{Timestamp, TokenHash, UserId};

use super::messages::{self, Draft};
use super::place::Place;
use crate::error::ApiError;
use crate::extract::Caller;
use crate::rest::shape::iso;
use crate::state::AppState;

/// The account the server speaks through.
const BOT: &str = "rocket.cat";

/// Tells the channel the operator chose that logins are blocked (`Block_Multiple_Failed_Logins_Notify_Failed*`).
/// Where that fails, the server's own log has it all the same.
pub async fn logins_blocked(state: &AppState, subject: &Subject, failures: u64, until: Timestamp) {
    let settings = state.views().settings();
    let channel = settings
        .text("Block_Multiple_Failed_Logins_Notify_Failed_Channel")
        .trim_ascii()
        .trim_start_matches('#');
    if !settings.bool("Block_Multiple_Failed_Logins_Notify_Failed") || channel.is_empty() {
        return;
    }
    let whom = match subject {
        Subject::User(user) => match state.views().user(user).await {
            Ok(Some(user)) => format!("user `{}`", user.username),
            _ => return,
        },
        Subject::Address(address) => format!("address `{address}`"),
    };
    let text = format!(
        "Failed login attempts: {failures}. Logins of {whom} are blocked until {}.",
        iso(until)
    );
    if let Err(error) = say(state, channel, text).await {
        tracing::warn!(%error, channel, "nobody could be told that logins are blocked");
    }
}

/// Posts into the room of that name.
async fn say(state: &AppState, channel: &str, text: String) -> Result<(), ApiError> {
    let views = state.views();
    let (Some(user), Some(room)) = (
        views.user(&UserId::new(BOT)).await?,
        views.room_by_name(channel).await?,
    ) else {
        return Err(crate::error::texts::not_found());
    };
    let bot = Caller::new(state, user, TokenHash::new("")).await?;
    let place = Place::of(state, &bot, &room.id)
        .await?
        .ok_or_else(crate::error::texts::not_found)?;
    let draft = Draft {
        id: None,
        text,
        find_links: false,
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
    messages::post(state, &bot, &place, draft).await.map(drop)
}
