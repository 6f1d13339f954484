//! What a text says: whom it calls, which rooms it names and where it links to (contract, messages 3 steps 8 and 9).

use std::sync::Arc;

use domain::mention::{Call as Called, Scanner, close_fences, links};
use domain::message::{Content, Mention};
use domain::room::RoomKind;
use domain::settings::Settings;
use projections::UserFacts;

use crate::caller::Caller;
use crate::chat::room_access::RoomAccess;
use crate::error::Error;
use crate::workspace::Workspace;

/// The content of a message with that text, and the users it mentions. Rooms that its author may not know of are not
/// found in it.
pub(super) async fn content(
    workspace: &Workspace,
    caller: &Caller,
    settings: &Settings,
    mut text: String,
    find_links: bool,
    attachments: Option<Vec<serde_json::Value>>,
) -> Result<(Content, Vec<Arc<UserFacts>>), Error> {
    if find_links && let Some(closed) = close_fences(&text) {
        text = closed;
    }
    let urls = find_links.then(|| links(&text).into_iter().map(str::to_owned).collect());
    let mut content = Content {
        urls,
        attachments,
        ..Content::default()
    };
    let mut called = Vec::new();
    if text.contains(['@', '#']) {
        let scanner: Arc<Scanner> = workspace.scanner(settings);
        let found = scanner.scan(&text);
        for call in found.calls {
            match call {
                Called::All => content.mentions.push(Mention::All),
                Called::Here => content.mentions.push(Mention::Here),
                Called::User(name) => {
                    let user = workspace.views().user_by_username(name).await?;
                    // Mentions are case-sensitive, the view is not.
                    if let Some(user) = user.filter(|user| user.username == name) {
                        content.mentions.push(Mention::User(user.id.clone()));
                        called.push(user);
                    }
                }
            }
        }
        for name in found.channels {
            let Some(room) = workspace.views().room_by_name(name).await? else {
                continue;
            };
            let place = RoomAccess::of(workspace, caller, &room.id).await?;
            let named = room.kind != RoomKind::Direct
                && place.is_some_and(|place| place.is_visible(caller));
            content.channels.extend(named.then_some(room.id));
        }
    }
    content.text = text;
    Ok((content, called))
}
