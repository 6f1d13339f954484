//! `rooms.*`: rooms of any kind (contract, rooms 13).

use application::chat::members;
use application::ids::now;
use domain::membership::MembershipCommand;

use crate::errors::wording;
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::page::Fields;
use crate::http::parameters::{Date, Parameters};
use crate::http::route::{self, Route};
use crate::http::schema::Kind;
use crate::rest::chat::subscriptions::synced;
use crate::rest::lookup::{self, Archived, RoomNamed};

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::get("rooms.get", get)
            .about("The caller's rooms, or what changed of them since.")
            .answers(&[("update", Kind::List), ("remove", Kind::List)]),
        route::get("rooms.info", info)
            .about("One room.")
            .answers(&[("room", Kind::Object)]),
        route::post("rooms.leave", leave).about("Leaves a room."),
    ]
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
    Ok(Answer::with_capacity(doc.len() + 16).raw("room", &doc))
}

/// `rooms.leave`. Archived rooms can be left.
async fn leave(call: Call, room: RoomNamed) -> Outcome {
    let found = lookup::room(&call, &room, None, Archived::Accepted).await?;
    let leave = MembershipCommand::Leave { at: now() };
    members::change_own(&call.state, &call.caller, &found.place, &leave).await?;
    Ok(Answer::empty())
}
