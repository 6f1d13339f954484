//! What belongs to rooms besides members and messages: files and integrations (contract, rooms 11 to 13). Rooms have
//! neither as long as nothing is uploaded and no integration is made, so the lists are empty; who may see them is checked
//! all the same.

use application::chat::room_access::RoomAccess;
use domain::RoomId;
use domain::permission::Permission;
use domain::room::RoomKind;
use serde_json::Value;

use crate::errors::wording;
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::page::{Page, Part};
use crate::http::parameters::{Filled, Flag, Parameters};
use crate::http::route::{self, Route, paged};
use crate::rest::chat::direct::{DirectNamed, PREFIXES, readable};
use crate::rest::chat::kinds::{NAMED, path};
use crate::rest::lookup::{self, Archived, RoomNamed};

/// Who may see integrations, one's own at least.
const INTEGRATIONS: &[Permission] = &[
    Permission::MANAGE_OUTGOING_INTEGRATIONS,
    Permission::MANAGE_OWN_OUTGOING_INTEGRATIONS,
    Permission::MANAGE_INCOMING_INTEGRATIONS,
    Permission::MANAGE_OWN_INCOMING_INTEGRATIONS,
];

pub(super) fn routes() -> Vec<Route> {
    let named = NAMED.into_iter().flat_map(|kind| {
        [
            route::get(path(kind, "files"), move |call, wanted| {
                files(kind, call, wanted)
            })
            .about("Files that were sent to the room.")
            .answers(paged!("files")),
            route::get(path(kind, "getIntegrations"), move |call, wanted| {
                integrations(kind, call, wanted)
            })
            .about("Integrations that post to the room or listen to it.")
            .needs(INTEGRATIONS)
            .answers(paged!("integrations")),
        ]
    });
    let direct = PREFIXES.into_iter().map(|prefix| {
        route::get(format!("{prefix}.files"), files_of_direct)
            .about("Files that were sent to a direct message.")
            .answers(paged!("files"))
    });
    named
        .chain(direct)
        .chain([route::get("rooms.images", images)
            .about("Pictures that were sent to a room, the newest first.")
            .answers(paged!("files"))])
        .collect()
}

/// An empty page of something.
fn none(items: &str, offset: u64) -> Answer {
    Answer::empty()
        .field(items, &Vec::<Value>::new())
        .field("count", &0)
        .field("offset", &offset)
        .field("total", &0)
}

#[derive(Parameters)]
#[params(open)]
struct Wanted {
    #[param(flatten)]
    room: RoomNamed,
    #[param(flatten)]
    page: Page,
}

async fn files(kind: RoomKind, call: Call, Wanted { room, page }: Wanted) -> Outcome {
    let found = lookup::room(&call, &room, Some(kind), Archived::Accepted).await?;
    if !found.place.can_access(&call.caller) {
        return Err(wording::forbidden());
    }
    Ok(none("files", call.page(&page)?.slice.offset))
}

#[derive(Parameters)]
struct FilesOfDirect {
    #[param(flatten)]
    room: DirectNamed,
    #[param(flatten)]
    page: Page,
}

async fn files_of_direct(call: Call, FilesOfDirect { room, page }: FilesOfDirect) -> Outcome {
    readable(&call, &room).await?;
    Ok(none("files", call.page(&page)?.slice.offset))
}

#[derive(Parameters)]
struct Images {
    room_id: RoomId,
    /// The picture to begin with.
    _starting_from_id: Option<Filled>,
    #[param(flatten)]
    part: Part,
}

async fn images(call: Call, wanted: Images) -> Outcome {
    let place = RoomAccess::of(&call.state, &call.caller, &wanted.room_id).await?;
    if !place.is_some_and(|place| place.can_access(&call.caller)) {
        return Err(wording::forbidden());
    }
    let slice = wanted.part.slice(&call.state.views().settings());
    Ok(none("files", slice.offset))
}

#[derive(Parameters)]
#[params(open)]
struct IntegrationsWanted {
    #[param(flatten)]
    room: RoomNamed,
    /// Also those of all channels, or of all groups.
    _include_all_public_channels: Flag,
    _include_all_private_groups: Flag,
    #[param(flatten)]
    page: Page,
}

async fn integrations(kind: RoomKind, call: Call, wanted: IntegrationsWanted) -> Outcome {
    lookup::room(&call, &wanted.room, Some(kind), Archived::Accepted).await?;
    Ok(none("integrations", call.page(&wanted.page)?.slice.offset))
}
