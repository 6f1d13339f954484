//! What administrators see of every room (contract, rooms 13).

use application::people::document::Doc;
use domain::RoomId;
use domain::permission::Permission;
use domain::room::RoomKind;
use projections::{NameFilter, Parent, RoomQuery, RoomSort, Teams};

use crate::documents::rooms::admin_fields;
use crate::errors::wording;
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::page::Sorted;
use crate::http::parameters::{Filled, Parameters};
use crate::http::route::{self, Route, paged};
use crate::rest::chat::channels::sort;

/// Who may see every room.
pub(super) const ADMINISTRATION: &[Permission] = &[Permission::VIEW_ROOM_ADMINISTRATION];

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::get("rooms.adminRooms", list)
            .about("Every room there is, whoever is in it.")
            .needs_or(ADMINISTRATION, wording::administering_not_allowed)
            .answers(paged!("rooms")),
        route::get("rooms.adminRooms.getRoom", one)
            .about("One room, whoever is in it. Its fields are those of the answer.")
            .needs_or(ADMINISTRATION, wording::administering_not_allowed),
    ]
}

#[derive(Parameters)]
#[params(open)]
struct Wanted {
    /// A part of the room's name, or of the user name of somebody in a direct message.
    filter: Option<Filled>,
    /// `c`, `p` and `d`, and `discussions` and `teams`.
    types: Option<Vec<String>>,
    #[param(flatten)]
    page: Sorted,
}

/// Whether discussions are wanted, and nothing else then.
fn parent(types: &[String]) -> Parent {
    if types.iter().any(|one| one == "discussions") {
        Parent::Some
    } else {
        Parent::None
    }
}

/// Whether main rooms of teams are wanted, too.
fn teams(types: &[String]) -> Teams {
    if types.iter().any(|one| one == "teams") {
        Teams::WithMain
    } else {
        Teams::WithoutMain
    }
}

/// The kinds of rooms that are wanted, none: any. `None`: there are no rooms of these types.
fn kinds(types: &[String]) -> Option<Vec<RoomKind>> {
    let wants = |name: &str| types.iter().any(|one| one == name);
    let kinds = [RoomKind::Channel, RoomKind::Group, RoomKind::Direct];
    let wanted = kinds.into_iter().filter(|kind| wants(kind.letter()));
    let wanted: Vec<RoomKind> = wanted.collect();
    let others = types.is_empty() || wants("discussions") || wants("teams");
    (others || !wanted.is_empty()).then_some(wanted)
}

async fn list(call: Call, wanted: Wanted) -> Outcome {
    let page = call.sorted(&wanted.page)?;
    let order = page
        .sort
        .first()
        .and_then(|(field, descending)| Some((sort(field)?, *descending)));
    let (order, descending) = order.unwrap_or((RoomSort::DefaultFirst, false));
    let types = wanted.types.unwrap_or_default();
    let (rooms, total) = match kinds(&types) {
        None => (Vec::new(), 0),
        Some(kinds) => {
            let query = RoomQuery {
                kinds,
                parent: parent(&types),
                teams: teams(&types),
                named: wanted
                    .filter
                    .map(|Filled(part)| NameFilter::ContainsOrUser(part)),
                sort: order,
                descending,
                slice: page.slice,
                ..RoomQuery::default()
            };
            let found = call.state.views().rooms(query).await?;
            (found.items, found.total)
        }
    };
    let rooms: Vec<Doc> = rooms.iter().map(|doc| shown(doc)).collect();
    Ok(Answer::empty()
        .field("rooms", &rooms)
        .field("count", &rooms.len())
        .field("offset", &page.slice.offset)
        .field("total", &total))
}

fn shown(doc: &[u8]) -> Doc {
    admin_fields(serde_json::from_slice(doc).unwrap_or_default())
}

#[derive(Parameters)]
#[params(open)]
struct OneOf {
    rid: Option<Filled>,
}

async fn one(call: Call, OneOf { rid }: OneOf) -> Outcome {
    let room = RoomId::new(rid.as_deref().unwrap_or_default());
    let record = call.state.views().room(&room).await?;
    let record = record.ok_or_else(wording::room_not_allowed)?;
    Ok(Answer::empty().fields(&shown(&record.doc)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_that_no_room_has_find_none() {
        let of = |types: &[&str]| {
            let types: Vec<String> = types.iter().map(|&one| one.to_owned()).collect();
            kinds(&types)
        };
        let (channel, group) = (RoomKind::Channel, RoomKind::Group);
        assert_eq!(of(&[]), Some(vec![]));
        assert_eq!(of(&["p", "c"]), Some(vec![channel, group]));
        assert_eq!(of(&["teams", "c"]), Some(vec![channel]));
        for other in [&["discussions"][..], &["teams"]] {
            assert_eq!(of(other), Some(vec![]), "{other:?}");
        }
        assert_eq!(of(&["discussions", "c"]), Some(vec![channel]));
        assert_eq!(of(&["l"]), None);
    }
}
