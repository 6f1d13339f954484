use super::*;
use crate::record::testing::{at, event};
use eventstore::CorrelationId;
use serde_json::{Value, json};

/// Position, name and data.
type Given = (i64, &'static str, Value);

fn ann(roles: &[&str]) -> Given {
    let data = json!({"user": "ann", "kind": "user", "username": "ann", "roles": roles, "active": true, "at": 1});
    (1, "UserCreated", data)
}

fn room(position: i64, room: &str, kind: &str) -> Given {
    let data = json!({"room": room, "kind": kind, "name": room, "at": 1});
    (position, "RoomCreated", data)
}

fn joined(position: i64, room: &str) -> Given {
    let data = json!({"room": room, "user": "ann", "joining": "joined", "at": 1});
    (position, "MemberJoined", data)
}

fn left(position: i64, room: &str) -> Given {
    let data = json!({"room": room, "user": "ann", "at": 1});
    (position, "MemberLeft", data)
}

fn deleted(position: i64, room: &str) -> Given {
    let data = json!({"room": room, "by": "bob", "at": 1});
    (position, "RoomDeleted", data)
}

/// The room `c` in the team of the room `p`.
fn in_team(position: i64, event_type: &'static str) -> Given {
    let data = json!({"room": "c", "team": "t", "main_room": "p", "by": "bob", "at": 1});
    (position, event_type, data)
}

fn made(position: i64, room: &str, kind: &str) -> Given {
    let data = json!({"room": room, "kind": kind, "by": "bob", "at": 1});
    (position, "RoomVisibilityChanged", data)
}

fn roles(position: i64, roles: &[&str]) -> Given {
    let data = json!({"user": "ann", "roles": roles, "at": 1});
    (position, "RolesChanged", data)
}

fn permission(position: i64, permission: &str, roles: &[&str]) -> Given {
    let data = json!({"permission": permission, "roles": roles, "at": 1});
    (position, "PermissionRolesChanged", data)
}

fn visibility(position: i64, room: &str, kind: &str) -> Given {
    let data = json!({"room": room, "kind": kind, "by": "boss", "at": 1});
    (position, "RoomVisibilityChanged", data)
}

fn of_ann(position: i64, event_type: &'static str) -> Given {
    let data = json!({"user": "ann", "messages": "keep", "at": 1});
    (position, event_type, data)
}

/// How events came to be.
#[derive(Clone, Copy)]
enum Recorded {
    /// By a request each.
    Apart,
    /// By one request, at once.
    Together,
    /// By requests that were given the same id, one after the other.
    UnderOneId,
}

/// What ann could read of a public room (`c`), a private one (`p`) and a discussion of each (`cd` and `pd`), told as
/// `c public 2-5`.
fn told(given: &[Given], recorded: Recorded) -> Vec<String> {
    let natures = [
        ("c", RoomKind::Channel, None),
        ("p", RoomKind::Group, None),
        ("cd", RoomKind::Group, Some("c")),
        ("pd", RoomKind::Group, Some("p")),
    ];
    let natures = natures.map(|(room, kind, parent)| {
        let parent = parent.map(RoomId::new);
        (RoomId::new(room), Nature { kind, parent })
    });
    let natures = natures.into();
    let user = UserId::new("ann");
    let mut state = State::new(&user, &natures);
    let request = CorrelationId::fresh();
    for (position, event_type, data) in given {
        let mut by = Edge {
            at: at(*position),
            event: (*event_type).to_owned(),
            request,
        };
        match recorded {
            Recorded::Apart => by.request = CorrelationId::fresh(),
            Recorded::Together => by.at.time = at(1).time,
            Recorded::UnderOneId => {}
        }
        state.apply(&by, &event(event_type, data.clone()));
    }
    let (_, rooms) = state.told();
    let mut told = Vec::new();
    for (room, stretches) in rooms {
        for stretch in stretches {
            let because = match stretch.because {
                Because::Member => "member",
                Because::Public => "public",
                Because::Discussion => "discussion",
                Because::Team => "team",
                Because::Active => "active",
            };
            let until = stretch.until.map(|until| until.at.position.to_string());
            let (from, until) = (stretch.from.at.position, until.unwrap_or_default());
            told.push(format!("{room} {because} {from}-{until}"));
        }
    }
    told
}

#[test]
fn what_decides_begins_and_ends_stretches() {
    let cases: [(&str, &[Given], &[&str]); 18] = [
        (
            "a public room while it is in a private team",
            &[
                ann(&["user"]),
                room(2, "c", "channel"),
                room(2, "cd", "group"),
                in_team(3, "RoomAddedToTeam"),
                joined(4, "p"),
                left(5, "p"),
                in_team(6, "RoomRemovedFromTeam"),
            ],
            &[
                "c public 2-3",
                "c team 4-5",
                "c public 6-",
                "cd discussion 2-3",
                "cd discussion 4-5",
                "cd discussion 6-",
                "p member 4-5",
            ],
        ),
        (
            "a public room whose team is dissolved, or becomes public",
            &[
                ann(&["user"]),
                room(2, "c", "channel"),
                in_team(3, "RoomAddedToTeam"),
                made(4, "p", "channel"),
                made(5, "p", "group"),
                (
                    6,
                    "TeamDissolved",
                    json!({"room": "p", "team": "t", "by": "bob", "at": 1}),
                ),
            ],
            &[
                "c public 2-3",
                "c public 4-5",
                "c public 6-",
                "p public 4-5",
            ],
        ),
        (
            "a room that is made private and public again",
            &[
                ann(&["user"]),
                room(2, "c", "channel"),
                made(3, "c", "group"),
                made(4, "c", "channel"),
            ],
            &["c public 2-3", "c public 4-"],
        ),
        (
            "a private discussion of a room while that can be read",
            &[
                ann(&["user"]),
                room(2, "p", "group"),
                room(3, "pd", "group"),
                joined(4, "p"),
                left(5, "p"),
                joined(6, "pd"),
            ],
            &["p member 4-5", "pd discussion 4-5", "pd member 6-"],
        ),
        (
            "a private discussion of a public room that goes",
            &[
                ann(&["user"]),
                room(2, "c", "channel"),
                room(3, "cd", "group"),
                deleted(4, "c"),
            ],
            &["c public 2-4", "cd discussion 3-4"],
        ),
        (
            "a public room, from when it is there",
            &[ann(&["user"]), room(2, "c", "channel")],
            &["c public 2-"],
        ),
        (
            "an account that comes later",
            &[room(0, "c", "channel"), ann(&["user"])],
            &["c public 1-"],
        ),
        (
            "a private room only as a member",
            &[
                ann(&["user"]),
                room(2, "p", "group"),
                joined(3, "p"),
                left(4, "p"),
            ],
            &["p member 3-4"],
        ),
        (
            "a member of a public room who leaves can still look in",
            &[
                ann(&["user"]),
                room(2, "c", "channel"),
                joined(3, "c"),
                left(4, "c"),
            ],
            &["c public 2-3", "c member 3-4", "c public 4-"],
        ),
        (
            "guests look into nothing",
            &[
                ann(&["guest"]),
                room(2, "c", "channel"),
                joined(3, "c"),
                left(4, "c"),
            ],
            &["c member 3-4"],
        ),
        (
            "the right comes with a role and goes with it",
            &[
                ann(&["guest"]),
                room(2, "c", "channel"),
                roles(3, &["user"]),
                roles(4, &["guest"]),
            ],
            &["c public 3-4"],
        ),
        (
            "and with what the role may do",
            &[
                ann(&["user"]),
                room(2, "c", "channel"),
                permission(3, "preview-c-room", &["admin"]),
                permission(4, "preview-c-room", &["user"]),
                permission(5, "create-c", &[]),
            ],
            &["c public 2-3", "c public 4-"],
        ),
        (
            "another role that gives the same changes nothing",
            &[
                ann(&["user"]),
                room(2, "c", "channel"),
                roles(3, &["admin"]),
            ],
            &["c public 2-"],
        ),
        (
            "an account that cannot be used reads nothing",
            &[
                ann(&["user"]),
                room(2, "p", "group"),
                joined(3, "p"),
                of_ann(4, "UserDeactivated"),
                of_ann(5, "UserActivated"),
                of_ann(6, "UserDeleted"),
            ],
            &["p member 3-4", "p member 5-6"],
        ),
        (
            "a room that is gone",
            &[
                ann(&["user"]),
                room(2, "c", "channel"),
                (
                    3,
                    "RoomDeleted",
                    json!({"room": "c", "by": "boss", "at": 1}),
                ),
            ],
            &["c public 2-3"],
        ),
        (
            "a public room that is closed",
            &[
                ann(&["user"]),
                room(2, "c", "channel"),
                visibility(3, "c", "group"),
            ],
            &["c public 2-3"],
        ),
        (
            "a private room that is opened",
            &[
                ann(&["user"]),
                room(2, "p", "group"),
                joined(3, "p"),
                left(4, "p"),
                visibility(5, "p", "channel"),
            ],
            &["p member 3-4", "p public 5-"],
        ),
        (
            "what happens to others",
            &[
                ann(&["guest"]),
                room(2, "p", "group"),
                (
                    3,
                    "MemberJoined",
                    json!({"room": "p", "user": "bob", "joining": "joined", "at": 1}),
                ),
                (
                    4,
                    "RolesChanged",
                    json!({"user": "bob", "roles": ["admin"], "at": 1}),
                ),
            ],
            &[],
        ),
    ];
    for (what, given, wanted) in cases {
        assert_eq!(told(given, Recorded::Apart), wanted, "{what}");
    }
}

#[test]
fn what_one_request_begins_and_ends_is_not_told() {
    let given = [ann(&["user"]), room(2, "c", "channel"), joined(3, "c")];
    assert_eq!(told(&given, Recorded::Together), ["c member 3-"]);
    let both = ["c public 2-3", "c member 3-"];
    assert_eq!(
        told(&given, Recorded::UnderOneId),
        both,
        "nobody hides what they could read by asking under an id once more"
    );
}
