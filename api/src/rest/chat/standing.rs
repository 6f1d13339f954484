//! How people stand in rooms: who is muted, and who is kept out (contract, rooms 13; newer: bans).

use domain::RoomId;
use domain::permission::Permission;

use crate::documents::users;
use crate::errors::wording;
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::membership_form::Deed;
use crate::http::page::Part;
use crate::http::parameters::Parameters;
use crate::http::route::{self, Route};
use crate::http::schema::Kind;
use crate::rest::lookup::{self, Archived, OneUser, RoomNamed};

pub(super) fn routes() -> Vec<Route> {
    let deed = |path: &'static str, deed: Deed| {
        route::post(path, move |call, somebody| change(deed, call, somebody))
    };
    vec![
        deed("rooms.muteUser", Deed::Mute)
            .about("Takes from a member the right to post in the room."),
        deed("rooms.unmuteUser", Deed::Unmute)
            .about("Gives a member the right to post in the room, read-only or not."),
        deed("rooms.banUser", Deed::Ban)
            .about("Keeps somebody out of the room, and removes them if they are in it."),
        deed("rooms.unbanUser", Deed::Unban).about("No longer keeps somebody out of the room."),
        route::get("rooms.bannedUsers", banned_users)
            .about("Who is kept out of the room.")
            .answers(&[("bannedUsers", Kind::List), ("total", Kind::Number)]),
    ]
}

#[derive(Parameters)]
struct Somebody {
    room_id: RoomId,
    #[param(flatten)]
    user: OneUser,
}

async fn change(deed: Deed, call: Call, Somebody { room_id, user }: Somebody) -> Outcome {
    let room = RoomNamed::by_id(&room_id);
    let found = lookup::room(&call, &room, None, Archived::Refused).await?;
    let user = lookup::user(&call.state, &user.into()).await?;
    deed.change(&call.state, &call.caller, &found.place, &user.id)
        .await?;
    Ok(Answer::empty())
}

#[derive(Parameters)]
struct BannedUsers {
    room_id: RoomId,
    #[param(flatten)]
    part: Part,
}

async fn banned_users(call: Call, BannedUsers { room_id, part }: BannedUsers) -> Outcome {
    let room = RoomNamed::by_id(&room_id);
    let found = lookup::room(&call, &room, None, Archived::Accepted).await?;
    if !found.place.may(&call.caller, Permission::BAN_USER) {
        return Err(wording::forbidden());
    }
    let slice = part.slice(&call.state.views().settings());
    let page = call.state.views().banned_users(found.id(), slice).await?;
    let banned = page.items.iter().map(|doc| users::member(&call.state, doc));
    let banned: Vec<_> = banned.collect();
    Ok(Answer::empty()
        .field("bannedUsers", &banned)
        .field("count", &banned.len())
        .field("offset", &slice.offset)
        .field("total", &page.total))
}
