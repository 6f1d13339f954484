//! What a text says: whom it calls, which rooms it names, where it links to and what it quotes (contract, messages 3
//! steps 8 and 9).

use std::sync::Arc;

use domain::mention::{self, Call as Called, Scanner, close_fences, links, spotify_pages};
use domain::message::{Content, Mention};
use domain::room::RoomKind;
use domain::settings::Settings;
use projections::{Slice, UserFacts};
use serde_json::Value;

use crate::caller::Caller;
use crate::chat::quotes;
use crate::chat::room_access::RoomAccess;
use crate::error::Error;
use crate::workspace::Workspace;

/// What somebody typed, and what is to be found in it.
pub(super) struct Typed {
    pub(super) text: String,
    pub(super) find_links: bool,
    /// The links whose pages are to be previewed; `None`: all.
    pub(super) previewed: Option<Vec<String>>,
    pub(super) attachments: Option<Vec<Value>>,
}

/// What a text says.
#[derive(Default)]
pub(super) struct Said {
    pub(super) content: Content,
    /// The users it calls by name.
    pub(super) called: Vec<Arc<UserFacts>>,
    /// How many members of the room it calls by the names of teams and roles; rather too many than too few.
    pub(super) grouped: u64,
}

/// The content of a message with that text in that room. Rooms and teams that its author may not know of, and messages
/// that they may not read, are not found by it.
pub(super) async fn content(
    workspace: &Workspace,
    caller: &Caller,
    place: &RoomAccess,
    settings: &Settings,
    typed: Typed,
) -> Result<Said, Error> {
    let mut text = typed.text;
    if let Some(bad) = workspace.bad_words(settings)
        && let std::borrow::Cow::Owned(masked) = bad.mask(&text)
    {
        text = masked;
    }
    if typed.find_links
        && let Some(closed) = close_fences(&text)
    {
        text = closed;
    }
    let mut said = Said::default();
    said.content.attachments = typed.attachments;
    if typed.find_links {
        find_links(workspace, caller, settings, &text, &mut said.content).await?;
    }
    if let (Some(chosen), Some(urls)) = (typed.previewed, &said.content.urls) {
        let chosen = urls.iter().filter(|url| chosen.contains(url));
        said.content.previewed = Some(chosen.cloned().collect());
    }
    if text.contains(['@', '#']) {
        find_names(workspace, caller, place, settings, &text, &mut said).await?;
        said.grouped = said.grouped.min(place.room.members.into());
    }
    said.content.text = text;
    Ok(said)
}

/// The links of a text, and the messages of this workspace that they lead to.
async fn find_links(
    workspace: &Workspace,
    caller: &Caller,
    settings: &Settings,
    text: &str,
    content: &mut Content,
) -> Result<(), Error> {
    let mut urls: Vec<String> = links(text).into_iter().map(str::to_owned).collect();
    for (page, _) in spotify_pages(text) {
        if !urls.contains(&page) {
            urls.push(page);
        }
    }
    for quote in quotes::led_to(workspace, caller, settings, &urls).await? {
        let attachments = content.attachments.get_or_insert_default();
        attachments.retain(|attachment| attachment["message_link"] != quote.url.as_str());
        attachments.push(quote.attachment);
        content.quoted.push(quote.url);
    }
    content.urls = Some(urls);
    Ok(())
}

/// Whom and what a text names.
async fn find_names(
    workspace: &Workspace,
    caller: &Caller,
    place: &RoomAccess,
    settings: &Settings,
    text: &str,
    said: &mut Said,
) -> Result<(), Error> {
    let scanner: Arc<Scanner> = workspace.scanner(settings);
    let found = scanner.scan(text);
    for call in found.calls {
        match call {
            Called::All => said.content.mentions.push(Mention::All),
            Called::Here => said.content.mentions.push(Mention::Here),
            Called::Name(name) => {
                find_called(workspace, caller, place, settings, name, said).await?;
            }
        }
    }
    for name in found.channels {
        let Some(room) = workspace.views().room_by_name(name).await? else {
            continue;
        };
        let place = RoomAccess::of(workspace, caller, &room.id).await?;
        let named =
            room.kind != RoomKind::Direct && place.is_some_and(|place| place.is_visible(caller));
        said.content.channels.extend(named.then_some(room.id));
    }
    Ok(())
}

/// Who has the name: a user, else a team, else those who have a role of that name.
async fn find_called(
    workspace: &Workspace,
    caller: &Caller,
    place: &RoomAccess,
    settings: &Settings,
    name: &str,
    said: &mut Said,
) -> Result<(), Error> {
    let views = workspace.views();
    // Mentions are case-sensitive, the view is not.
    let user = views.user_by_username(name).await?;
    if let Some(user) = user.filter(|user| user.username == name) {
        let mention = Mention::User(user.id.clone());
        said.content.mentions.push(mention);
        said.called.push(user);
        return Ok(());
    }
    if let Some(team) = views.team_by_name(name).await? {
        let main = RoomAccess::of(workspace, caller, &team.main_room).await?;
        if let Some(main) = main.filter(|main| main.is_visible(caller)) {
            let room = team.main_room;
            said.content.mentions.push(Mention::Team {
                team: team.id,
                room,
            });
            said.grouped += u64::from(main.room.members);
            return Ok(());
        }
    }
    let roles = views.roles();
    let role = roles.iter().find(|(_, role)| role.properties.name == name);
    if let Some((role, definition)) =
        role.filter(|(role, _)| mention::can_be_called(role, settings))
    {
        said.content.mentions.push(Mention::Role(role.clone()));
        let (scope, room) = (definition.properties.scope, place.room.id.clone());
        let holders = views.users_in_role(role, scope, Some(room), Slice::first(0));
        said.grouped += holders.await?.total;
    }
    Ok(())
}
