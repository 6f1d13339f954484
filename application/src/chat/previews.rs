//! What is known of where links lead.

use domain::message::Preview;
use domain::site::Site;
use domain::{RoomId, limits};
use futures::future::join_all;

use crate::caller::Caller;
use crate::chat::room_access::RoomAccess;
use crate::error::{Error, Refusal};
use crate::outside::unfurl::{rules, tells_something, unknown, web_address};
use crate::workspace::Workspace;

/// What is behind a link that somebody is about to write into a room. Nothing of it is recorded.
pub async fn of_link(
    workspace: &Workspace,
    caller: &Caller,
    room: &RoomId,
    link: &str,
) -> Result<Preview, Error> {
    let place = RoomAccess::of(workspace, caller, room).await?;
    if !place.is_some_and(|place| place.can_access(caller)) {
        return Err(Refusal::PreviewNotAllowed.into());
    }
    let settings = workspace.views().settings();
    if rules::is_off_for(&settings, &caller.user.username) {
        return Ok(unknown(link));
    }
    Ok(workspace.unfurler().preview(&settings, link).await)
}

/// What is behind the links of a message, of those of which anything is known. Links into this workspace are not looked
/// up, nor any behind one that leads out of the web.
pub async fn of_links(workspace: &Workspace, links: &[String]) -> Vec<Preview> {
    let settings = workspace.views().settings();
    let site = Site::of(&settings).as_str();
    let is_own = |link: &str| {
        let path = link.strip_prefix(site);
        !site.is_empty()
            && path.is_some_and(|path| path.is_empty() || path.starts_with(['/', '?', '#']))
    };
    let wanted = links
        .iter()
        .take_while(|link| web_address(link).is_some())
        .filter(|link| !is_own(link))
        .take(limits::PREVIEWS);
    let unfurler = workspace.unfurler();
    let previews = join_all(wanted.map(|link| unfurler.preview(&settings, link))).await;
    previews.into_iter().filter(tells_something).collect()
}
