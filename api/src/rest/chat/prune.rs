//! Deleting many messages of a room at once (contract, rooms 13).

use application::chat::pruning::{self, Wish};
use domain::Timestamp;
use domain::permission::Permission;
use domain::room::{Pruning, Spared};

use crate::errors::{ApiError, wording};
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::parameters::{Date, Flag, Parameters};
use crate::http::route::{self, Route};
use crate::http::schema::Kind;
use crate::rest::lookup::{self, RoomNamed};

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::post("rooms.cleanHistory", clean)
            .about("Deletes all messages of a room between two points in time, but those that are to stay.")
            .answers(&[("_id", Kind::Text), ("count", Kind::Number)]),
    ]
}

#[derive(Parameters)]
#[params(open)]
struct Clean {
    #[param(flatten)]
    room: RoomNamed,
    latest: Option<Date>,
    oldest: Option<Date>,
    /// Also what was sent at one of the two.
    inclusive: Flag,
    /// Of these so many at most, the oldest.
    limit: Option<u64>,
    exclude_pinned: Flag,
    /// The messages stay, and lose their files.
    files_only: Flag,
    ignore_threads: Flag,
    ignore_discussion: Flag,
    /// User names; only what these sent.
    users: Option<Vec<String>>,
}

/// What was not said is not spared: discussions and pinned messages go, too.
async fn clean(call: Call, params: Clean) -> Outcome {
    let anywhere = Permission::CLEAN_CHANNEL_HISTORY;
    let found = lookup::any_room(&call, &params.room, None, anywhere).await?;
    if found.record.archived {
        return Err(wording::room_archived(found.record.kind, found.name()));
    }
    let flags = [
        (params.exclude_pinned, Spared::Pinned),
        (params.ignore_discussion, Spared::Discussions),
        (params.ignore_threads, Spared::Threads),
    ];
    let spared = flags.into_iter().filter(|(Flag(is_set), _)| *is_set);
    let wish = Wish {
        pruning: Pruning {
            latest: point(params.latest, "latest")?,
            oldest: point(params.oldest, "oldest")?,
            inclusive: params.inclusive.0,
            limit: params.limit.filter(|limit| *limit > 0),
            authors: None,
            spared: spared.map(|(_, spared)| spared).collect(),
        },
        usernames: params.users.unwrap_or_default(),
        files_only: params.files_only.0,
    };
    let count = pruning::prune(&call.state, &call.caller, &found.place, wish).await?;
    Ok(Answer::empty()
        .field("_id", found.id())
        .field("count", &count))
}

fn point(date: Option<Date>, name: &str) -> Result<Timestamp, ApiError> {
    let date = date.ok_or_else(|| wording::date_in_body_required(name))?;
    date.0
        .map_err(|_| wording::match_error(&format!("Expected date in field {name}")))
}
