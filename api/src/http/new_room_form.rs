//! A channel or group that is to be made, as both doors take it (contract, rooms 11 and 15).

use std::collections::BTreeSet;

use application::caller::Caller;
use application::chat::members::Founder;
use application::chat::{rooms, teams};
use domain::room::{RoomCreated, RoomKind, RoomOfTeam};
use domain::{RoomId, TeamId, UserId};
use serde_json::{Map, Value};

use crate::errors::ApiError;
use crate::state::AppState;

pub struct NewRoom {
    pub kind: RoomKind,
    /// As typed.
    pub name: String,
    /// User names. Unknown ones are skipped, and case matters.
    pub members: Vec<String>,
    pub read_only: bool,
    pub custom_fields: Map<String, Value>,
    /// Merged into the room, but only what makes sense from outside.
    pub extra: Map<String, Value>,
    /// Names of teams whose members are in it. Unknown ones are skipped.
    pub teams: Vec<String>,
}

impl NewRoom {
    /// Makes the room; the caller owns it.
    pub async fn make(self, state: &AppState, caller: &Caller) -> Result<RoomId, ApiError> {
        let mut founders = vec![Founder::creator(caller.id().clone())];
        for name in &self.members {
            let user = state.views().user_by_username(name).await?;
            if let Some(user) = user.filter(|user| user.username == *name)
                && founders.iter().all(|founder| founder.user != user.id)
            {
                founders.push(Founder::initial(user.id.clone()));
            }
        }
        let members = teams::members_of(state, caller, &self.teams).await?;
        let known: BTreeSet<UserId> = founders.iter().map(|one| one.user.clone()).collect();
        let others: BTreeSet<UserId> = members.into_iter().collect();
        founders.extend(others.difference(&known).cloned().map(Founder::initial));
        let team = self.team(state, caller).await?;
        let wish = self.wish(state, caller.id());
        Ok(rooms::create(state, caller, wish, &founders, team.as_ref()).await?)
    }

    /// The team that the room is to be in. One whose main room the caller may not see is none.
    async fn team(
        &self,
        state: &AppState,
        caller: &Caller,
    ) -> Result<Option<RoomOfTeam>, ApiError> {
        let Some(team) = self.extra.get("teamId").and_then(Value::as_str) else {
            return Ok(None);
        };
        let Some(team) = state.views().team(&TeamId::new(team)).await? else {
            return Ok(None);
        };
        let main = teams::main_place(state, caller, &team).await?;
        Ok(main.can_access(caller).then(|| teams::belonging(&team)))
    }

    /// The room as it is wished for, with that creator.
    pub fn wish(self, state: &AppState, creator: &UserId) -> RoomCreated {
        let flag = |name: &str| self.extra.get(name).and_then(Value::as_bool);
        let text = |name: &str| {
            let text = self.extra.get(name).and_then(Value::as_str);
            text.map(str::to_owned)
        };
        let plain = rooms::plain(state, self.kind, self.name.clone(), creator);
        let encrypted = flag("encrypted").unwrap_or(plain.encrypted);
        RoomCreated {
            display_name: text("fname"),
            read_only: self.read_only,
            broadcast: flag("broadcast").unwrap_or(false),
            encrypted: self.kind == RoomKind::Group && encrypted,
            topic: text("topic"),
            description: text("description"),
            announcement: text("announcement"),
            custom_fields: Some(Value::Object(self.custom_fields)),
            ..plain
        }
    }
}
