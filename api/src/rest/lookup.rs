//! Finding the room and the user that parameters name (contract, conventions 1.8 and rooms 0, 11).

use std::sync::Arc;

use application::chat::room_access::RoomAccess;
use domain::permission::Permission;
use domain::room::RoomKind;
use domain::{RoomId, UserId, text};
use projections::{RoomRecord, UserFacts};

use crate::documents::rooms::unread;
use crate::errors::{ApiError, wording};
use crate::http::call::Call;
use crate::http::parameters::{Filled, Parameters, field, take};
use crate::http::params::Params;
use crate::http::schema::Schema;
use crate::state::AppState;

/// Names a room; the id wins.
#[derive(Clone, Debug, Parameters)]
#[params(open)]
pub struct RoomNamed {
    pub room_id: Option<Filled>,
    pub room_name: Option<Filled>,
}

impl RoomNamed {
    /// Names it by its id.
    pub fn by_id(id: &RoomId) -> Self {
        Self {
            room_id: Filled::of(id.to_string()),
            room_name: None,
        }
    }
}

/// Names a room in exactly one way.
#[derive(Clone, Debug, Parameters)]
pub struct OneRoom {
    #[param(one_of)]
    room_id: Option<Filled>,
    #[param(one_of)]
    room_name: Option<Filled>,
}

impl From<OneRoom> for RoomNamed {
    fn from(OneRoom { room_id, room_name }: OneRoom) -> Self {
        Self { room_id, room_name }
    }
}

/// Names a user; the first that is there wins.
#[derive(Clone, Debug, Default, Parameters)]
#[params(open)]
pub struct UserNamed {
    pub user_id: Option<Filled>,
    pub username: Option<Filled>,
    pub user: Option<Filled>,
}

impl UserNamed {
    pub fn is_empty(&self) -> bool {
        self.user_id.is_none() && self.username.is_none() && self.user.is_none()
    }
}

/// Names a user in exactly one way.
#[derive(Clone, Debug, Parameters)]
pub struct OneUser {
    #[param(one_of)]
    user_id: Option<Filled>,
    #[param(one_of)]
    username: Option<Filled>,
}

impl From<OneUser> for UserNamed {
    fn from(OneUser { user_id, username }: OneUser) -> Self {
        Self {
            user_id,
            username,
            user: None,
        }
    }
}

/// Names users, in lists or one by one. If one of them is an id, all are.
#[derive(Clone, Debug)]
pub struct UsersNamed {
    by_id: bool,
    names: Vec<String>,
}

impl Parameters for UsersNamed {
    const SCHEMA: Schema = Schema {
        fields: &[
            field::<Option<Vec<String>>>("userIds", false),
            field::<Option<Vec<String>>>("usernames", false),
        ],
        parts: &[&UserNamed::SCHEMA],
        ..Schema::OPEN
    };

    fn read(params: &mut Params) -> Result<Self, ApiError> {
        let by_id = params.get("userIds").is_some() || params.filled("userId")?.is_some();
        let keys: &[&'static str] = if by_id {
            &["userIds", "userId"]
        } else {
            &["usernames", "username", "user"]
        };
        let mut names: Vec<String> = Vec::new();
        for key in keys {
            names.extend(take::<Option<Vec<String>>>(params, key)?.unwrap_or_default());
        }
        names.retain(|name| !text::is_blank(name));
        Ok(Self { by_id, names })
    }
}

/// A room that was found, with the caller's place in it.
pub struct FoundRoom {
    /// The wire document is in there.
    pub record: RoomRecord,
    pub place: RoomAccess,
}

impl FoundRoom {
    pub fn id(&self) -> &RoomId {
        &self.record.id
    }

    /// Its name as error texts have it.
    pub fn name(&self) -> &str {
        self.place.room.name.as_deref().unwrap_or_default()
    }
}

/// Whether archived rooms count as found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Archived {
    Accepted,
    Refused,
}

/// The room that `named` names. `kind: None`: any kind will do.
///
/// Groups and direct messages the caller may not see are not found; anyone finds channels.
pub async fn room(
    call: &Call,
    named: &RoomNamed,
    kind: Option<RoomKind>,
    archived: Archived,
) -> Result<FoundRoom, ApiError> {
    let found = there(call, named, kind).await?;
    if !found.place.is_visible(&call.caller) {
        return Err(wording::room_not_found(kind));
    }
    if archived == Archived::Refused && found.record.archived {
        return Err(wording::room_archived(found.record.kind, found.name()));
    }
    Ok(found)
}

/// The same for the few routes that find archived rooms, and for holders of `anywhere` also rooms they may not see: the
/// rules decide what can be done there.
pub async fn any_room(
    call: &Call,
    named: &RoomNamed,
    kind: Option<RoomKind>,
    anywhere: Permission,
) -> Result<FoundRoom, ApiError> {
    let found = there(call, named, kind).await?;
    if !found.place.is_visible(&call.caller) && !call.may(anywhere) {
        return Err(wording::room_not_found(kind));
    }
    Ok(found)
}

/// The room, whoever asks.
async fn there(
    call: &Call,
    named: &RoomNamed,
    kind: Option<RoomKind>,
) -> Result<FoundRoom, ApiError> {
    let views = call.state.views();
    let record = if let Some(id) = &named.room_id {
        views.room(&RoomId::new(&**id)).await?
    } else if let Some(name) = &named.room_name {
        views.room_by_name(name).await?
    } else {
        return Err(wording::room_param_missing(kind));
    };
    let record = record.filter(|record| kind.is_none_or(|kind| record.kind == kind));
    let Some(mut record) = record else {
        return Err(wording::room_not_found(kind));
    };
    let place = RoomAccess::of(&call.state, &call.caller, &record.id).await?;
    let Some(place) = place else {
        return Err(wording::room_not_found(kind));
    };
    if !place.can_read(&call.caller) {
        record.doc = unread(&record.doc);
    }
    Ok(FoundRoom { record, place })
}

/// The user that `named` names.
pub async fn user(state: &AppState, named: &UserNamed) -> Result<Arc<UserFacts>, ApiError> {
    let found = find_user(state, named).await?;
    found.ok_or_else(wording::user_param_unknown)
}

/// The user that `named` names, if there is one.
pub async fn find_user(
    state: &AppState,
    named: &UserNamed,
) -> Result<Option<Arc<UserFacts>>, ApiError> {
    Ok(if let Some(id) = &named.user_id {
        state.views().user(&UserId::new(&**id)).await?
    } else if let Some(name) = named.username.as_ref().or(named.user.as_ref()) {
        state.views().user_by_username(name).await?
    } else {
        return Err(wording::user_param_missing());
    })
}

/// Every user that `named` names. Users who do not exist are left out; naming nobody is an error.
pub async fn users(state: &AppState, named: &UsersNamed) -> Result<Vec<Arc<UserFacts>>, ApiError> {
    if named.names.is_empty() {
        return Err(wording::users_params_missing());
    }
    let mut found: Vec<Arc<UserFacts>> = Vec::new();
    for name in &named.names {
        let user = if named.by_id {
            state.views().user(&UserId::new(&**name)).await?
        } else {
            state.views().user_by_username(name).await?
        };
        found.extend(user.filter(|user| found.iter().all(|other| other.id != user.id)));
    }
    Ok(found)
}
