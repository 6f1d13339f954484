//! Reading, archiving and deleting rooms (contract, rooms 6, 11 and 13). Making and finding them is in
//! [`super::channels`], their settings are in [`super::settings`].

use application::chat::{members, rooms};
use application::ids::now;
use axum::http::Method;
use domain::RoomId;
use domain::membership::MembershipCommand;
use domain::room::RoomKind;
use serde_json::{Map, Value};

use crate::documents;
use crate::errors::{ApiError, wording};
use crate::http::answer::{Answer, Outcome};
use crate::http::archive_form;
use crate::http::call::Call;
use crate::http::page::Fields;
use crate::http::parameters::{Date, Filled, Parameters, Sent};
use crate::http::route::{self, Route};
use crate::http::schema::Kind;
use crate::rest::chat::kinds::{NAMED, exact_for_channels};
use crate::rest::chat::subscriptions::synced;
use crate::rest::lookup::{self, Archived, OneRoom, RoomNamed};

pub(super) fn routes() -> Vec<Route> {
    let named = NAMED.into_iter();
    named
        .flat_map(routes_of)
        .chain([
            route::get("rooms.get", get)
                .about("The caller's rooms, or what changed of them since.")
                .answers(&[("update", Kind::List), ("remove", Kind::List)]),
            route::get("rooms.info", info)
                .about("One room.")
                .answers(&[("room", Kind::Object)]),
            route::post("rooms.leave", leave).about("Leaves a room."),
            route::post("rooms.favorite", favour)
                .about("Makes a room a favourite, or no longer one."),
            route::post("rooms.changeArchivationState", change_archivation)
                .about("Archives a room, or brings it back from the archive."),
            route::post("rooms.delete", delete_any).about("Deletes any room and its messages."),
            route::get("rooms.nameExists", name_exists)
                .about("Whether a room of that name is there.")
                .answers(&[("exists", Kind::Boolean)]),
        ])
        .collect()
}

#[derive(Parameters)]
#[params(open)]
struct Get {
    updated_since: Option<Date>,
}

async fn get(call: Call, Get { updated_since }: Get) -> Outcome {
    let since = call
        .changes_since(updated_since)
        .map_err(|_| wording::invalid_date("error-updatedSince-param-invalid", "updatedSince"))?;
    Ok(synced(
        &call
            .state
            .views()
            .rooms_sync(call.caller.id(), since)
            .await?,
    ))
}

#[derive(Parameters)]
#[params(open)]
struct Info {
    #[param(flatten)]
    room: RoomNamed,
    #[param(flatten)]
    fields: Fields,
}

async fn info(call: Call, Info { room, fields }: Info) -> Outcome {
    let found = lookup::room(&call, &room, None, Archived::Refused).await?;
    if !found.place.can_access(&call.caller) {
        return Err(wording::room_not_allowed());
    }
    let doc = match fields.choice()? {
        Some(choice) => choice.apply_bytes(found.record.doc.clone()),
        None => found.record.doc,
    };
    let mut answer = Answer::with_capacity(doc.len() + 16).raw("room", &doc);
    if let Some(team) = &found.place.room.team
        && let Some(team) = call.state.views().team(team).await?
    {
        answer = answer.field("team", &documents::teams::brief(&team));
    }
    let above = found.place.parent.as_ref();
    match above.filter(|above| above.is_visible(&call.caller)) {
        Some(above) => Ok(answer.field("parent", &parent(&call, &above.room.id).await?)),
        None => Ok(answer),
    }
}

/// What is told of the room that another one is a discussion of (contract, newer: `rooms.info`).
async fn parent(call: &Call, room: &RoomId) -> Result<Map<String, Value>, ApiError> {
    let record = call.state.views().room(room).await?;
    let doc = record.map(|record| serde_json::from_slice(&record.doc));
    let mut doc: Map<String, Value> = doc.and_then(Result::ok).unwrap_or_default();
    doc.retain(|field, _| {
        matches!(
            field.as_str(),
            "_id" | "name" | "fname" | "t" | "prid" | "u"
        )
    });
    Ok(doc)
}

async fn leave(call: Call, room: RoomNamed) -> Outcome {
    let found = lookup::room(&call, &room, None, Archived::Refused).await?;
    let leave = MembershipCommand::Leave { at: now() };
    members::change_own(&call.state, &call.caller, &found.place, &leave).await?;
    Ok(Answer::empty())
}

#[derive(Parameters)]
#[params(open)]
struct Favour {
    #[param(flatten)]
    room: RoomNamed,
    favorite: Sent<bool>,
}

async fn favour(call: Call, Favour { room, favorite }: Favour) -> Outcome {
    let favorite = favorite
        .0
        .ok_or_else(|| wording::param_required("favorite"))?;
    let found = lookup::room(&call, &room, None, Archived::Refused).await?;
    members::favour(&call.state, &call.caller, found.id(), favorite).await?;
    Ok(Answer::empty())
}

fn routes_of(kind: RoomKind) -> Vec<Route> {
    vec![
        exact_for_channels::<OneRoom, _, _>(Method::POST, kind, "archive", archive)
            .about("Archives the room."),
        exact_for_channels::<OneRoom, _, _>(Method::POST, kind, "unarchive", unarchive)
            .about("Brings the room back from the archive."),
        exact_for_channels::<OneRoom, _, _>(Method::POST, kind, "delete", delete)
            .about("Deletes the room and its messages."),
    ]
}

async fn archive(kind: RoomKind, call: Call, room: RoomNamed) -> Outcome {
    let found = lookup::room(&call, &room, Some(kind), Archived::Refused).await?;
    rooms::put_away(&call.state, &call.caller, &found.place, true).await?;
    Ok(Answer::empty())
}

async fn unarchive(kind: RoomKind, call: Call, room: RoomNamed) -> Outcome {
    let found = lookup::room(&call, &room, Some(kind), Archived::Accepted).await?;
    if kind == RoomKind::Channel && !found.record.archived {
        return Err(wording::not_archived(kind, found.name()));
    }
    rooms::put_away(&call.state, &call.caller, &found.place, false).await?;
    Ok(Answer::empty())
}

async fn delete(kind: RoomKind, call: Call, room: RoomNamed) -> Outcome {
    let found = lookup::room(&call, &room, Some(kind), Archived::Accepted).await?;
    rooms::delete(&call.state, &call.caller, &found.place).await?;
    Ok(Answer::empty())
}

#[derive(Parameters)]
#[params(open)]
struct ChangeArchivation {
    rid: Option<Filled>,
    action: Option<String>,
}

/// `rooms.changeArchivationState`. Any action but `archive` brings the room back.
async fn change_archivation(call: Call, params: ChangeArchivation) -> Outcome {
    let archive = params.action.as_deref() == Some("archive");
    let room = RoomId::new(params.rid.as_deref().unwrap_or_default());
    archive_form::put_away(&call.state, &call.caller, &room, archive).await?;
    Ok(Answer::empty())
}

#[derive(Parameters)]
#[params(open)]
struct DeleteAny {
    room_id: Option<Filled>,
}

/// `rooms.delete`: whatever kind of room it is.
async fn delete_any(call: Call, DeleteAny { room_id }: DeleteAny) -> Outcome {
    let room = room_id.ok_or_else(|| wording::param_required("roomId"))?;
    let room = RoomId::new(&*room);
    let erased = rooms::erase(&call.state, &call.caller, &room).await;
    erased.map_err(|error| ApiError::from(error).method("eraseRoom"))?;
    Ok(Answer::empty())
}

#[derive(Parameters)]
struct NameExists {
    room_name: String,
}

async fn name_exists(call: Call, NameExists { room_name }: NameExists) -> Outcome {
    let found = call.state.views().room_by_name(&room_name).await?;
    Ok(Answer::empty().field("exists", &found.is_some()))
}
