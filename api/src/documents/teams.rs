//! Teams, as clients see them (contract, teams 1.1).

use application::dates::iso;
use projections::{TeamEntry, TeamRecord};
use serde_json::{Map, Value, json};

/// 0: public, 1: private.
fn kind(team: &TeamRecord) -> u8 {
    u8::from(team.private)
}

/// Who made a team.
pub fn creator(team: &TeamRecord) -> Value {
    let username = team.creator_username.as_deref();
    json!({ "_id": team.creator, "username": username.unwrap_or(team.creator.as_str()) })
}

/// The whole team.
pub fn team(team: &TeamRecord) -> Value {
    json!({
        "_id": team.id,
        "name": team.name,
        "type": kind(team),
        "roomId": team.main_room,
        "createdBy": creator(team),
        "createdAt": iso(team.created_at),
        "_updatedAt": iso(team.updated_at),
    })
}

/// A team in a list of teams.
pub fn entry(entry: &TeamEntry) -> Map<String, Value> {
    let mut shown = match team(&entry.team) {
        Value::Object(shown) => shown,
        _ => Map::new(),
    };
    shown.insert("rooms".to_owned(), json!(entry.rooms));
    shown.insert("numberOfUsers".to_owned(), json!(entry.members));
    shown
}

/// What a room tells of its team.
pub fn brief(team: &TeamRecord) -> Value {
    json!({ "_id": team.id, "name": team.name, "roomId": team.main_room, "type": kind(team) })
}
