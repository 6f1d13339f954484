//! Which kinds of system message a room does not show.

use domain::RoomId;
use domain::settings::keys;
use projections::{QueryError, Views};

/// What the room says, else what the workspace says. `mute_unmute` stands for two.
pub async fn hidden_kinds(views: &Views, room: &RoomId) -> Result<Vec<String>, QueryError> {
    let facts = views.room_facts(room).await?;
    let own = facts.map_or_else(Vec::new, |room| room.hidden_system_messages.clone());
    let hidden = if own.is_empty() {
        let settings = views.settings();
        let all = settings.list(keys::HIDE_SYSTEM_MESSAGES);
        all.map(str::to_owned).collect()
    } else {
        own
    };
    let kinds = hidden.into_iter().flat_map(|kind| match &*kind {
        "mute_unmute" => vec!["user-muted".to_owned(), "user-unmuted".to_owned()],
        _ => vec![kind],
    });
    Ok(kinds.collect())
}
