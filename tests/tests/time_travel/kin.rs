//! What people do with rooms that belong together, and with all that was said in one at once: teams, discussions, links
//! that lead into rooms, and pruning.

use serde_json::{Value, json};
use tests::client::{Answer, Client};

use super::crowd::{Crowd, Deed, Room, deed};

/// A team.
pub struct Team {
    id: String,
    /// The main room.
    room: String,
    /// What was put into it, and may have been taken out since.
    rooms: Vec<String>,
}

impl Team {
    fn of(doc: &Value) -> Self {
        Self {
            id: text(&doc["_id"]),
            room: text(&doc["roomId"]),
            rooms: Vec::new(),
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

impl Crowd {
    /// A team, and somebody who may mostly do what they like with it.
    fn a_team(&mut self) -> Option<(String, Client)> {
        let count = self.teams.len();
        let any = self.any(count.max(1));
        let Team { id, room, .. } = self.teams.get(any)?;
        let (id, owner) = (id.clone(), self.owner_of(room));
        let is_admin = self.any(3) == 0;
        Some((id, if is_admin { self.admin.clone() } else { owner }))
    }

    pub fn with_kin(&mut self) -> Deed {
        match self.any(10) {
            0 => self.with_a_discussion(),
            1 => self.with_a_link(),
            2 => self.with_a_history(),
            3 => self.make_a_team(),
            _ => match self.a_team() {
                Some((id, who)) if self.any(2) == 0 => self.with_rooms_of_a_team(&id, who),
                Some((id, who)) => self.with_a_team(&id, who),
                None => self.make_a_team(),
            },
        }
    }

    fn make_a_team(&mut self) -> Deed {
        let (maker, other) = (self.anybody(), self.anybody());
        let number = self.any(1_000_000);
        if self.is_full() || number.is_multiple_of(3) {
            let (room, family, owner) = self.somewhere();
            let named = match family {
                "channels" => "channelId",
                "groups" => "roomId",
                _ => return self.with_a_link(),
            };
            let path = format!("{family}.convertToTeam");
            return deed(owner, path, json!({named: room}));
        }
        let wish = json!({"name": format!("team{number}"), "type": number % 2,
                          "members": [other.user_id]});
        deed(maker, "teams.create", wish)
    }

    fn with_rooms_of_a_team(&mut self, id: &str, who: Client) -> Deed {
        let any = self.any(8);
        let team = self.teams.iter().find(|team| team.id == id);
        let team = team.expect("one of these teams");
        // Only owners of both put a room into a team.
        let owner = self.owner_of(&team.room);
        let mut own = self.rooms.iter().filter(|room| {
            room.owner == owner.user_id && room.family != "im" && room.id != team.room
        });
        let own = own.rfind(|room| !room.is_deleted);
        let (put, own) = (team.rooms.last(), own.map(|room| &room.id));
        match (any, own, put) {
            (0..=3, Some(room), _) => {
                let wish = json!({"teamId": id, "rooms": [room]});
                deed(owner, "teams.addRooms", wish)
            }
            (4, _, Some(room)) => {
                let wish = json!({"teamId": id, "roomId": room});
                deed(who, "teams.removeRoom", wish)
            }
            (_, _, Some(room)) => {
                let wish = json!({"roomId": room, "isDefault": any < 7});
                deed(who, "teams.updateRoom", wish)
            }
            _ => {
                let wish = json!({"teamId": id, "members": [{"userId": self.admin.user_id}]});
                deed(owner, "teams.addMembers", wish)
            }
        }
    }

    fn with_a_team(&mut self, id: &str, who: Client) -> Deed {
        let (anybody, other, room) = (self.anybody(), self.anybody().user_id, self.somewhere().0);
        let (any, number) = (self.any(12), self.any(1_000_000));
        let roles = [json!(["moderator"]), json!([])][number % 2].clone();
        let member = json!({"userId": other, "roles": roles});
        let (path, body) = match any {
            0..=3 => {
                let wish = json!({"teamId": id, "members": [member]});
                ("teams.addMembers", wish)
            }
            4 => {
                let wish = json!({"teamId": id, "member": member});
                ("teams.updateMember", wish)
            }
            5 | 6 => {
                let wish = json!({"teamId": id, "userId": other, "rooms": [room]});
                ("teams.removeMember", wish)
            }
            7 => return deed(anybody, "teams.leave", json!({"teamId": id})),
            8 | 9 => {
                let renamed = json!({"name": format!("team{number}")});
                let data = [renamed, json!({"type": number / 2 % 2})];
                let wish = json!({"teamId": id, "data": data[number % 2]});
                ("teams.update", wish)
            }
            10 => ("teams.convertToChannel", json!({"teamId": id})),
            _ if number.is_multiple_of(2) => ("teams.delete", json!({"teamId": id})),
            _ => {
                let wish = json!({"teamId": id, "roomsToRemove": [room]});
                ("teams.delete", wish)
            }
        };
        deed(who, path, body)
    }

    fn with_a_discussion(&mut self) -> Deed {
        let (room, _, owner) = self.somewhere();
        let (within, message) = self.a_message();
        let other = self.any_name();
        let title = format!("talk {}", self.any(1_000_000));
        if self.is_full() {
            return deed(
                owner,
                "chat.sendMessage",
                json!({"message": {"rid": room, "msg": title}}),
            );
        }
        let wish = match self.any(3) {
            0 => json!({"prid": room, "t_name": title, "users": [other], "reply": "well"}),
            1 => json!({"prid": room, "t_name": title}),
            _ => json!({"prid": within, "t_name": title, "pmid": message}),
        };
        deed(owner, "rooms.createDiscussion", wish)
    }

    fn with_a_link(&mut self) -> Deed {
        let (room, _, owner) = self.somewhere();
        let (who, any) = (self.anybody(), self.any(4));
        let token = self.links.get(self.links.len().wrapping_sub(1 + any));
        if let Some(token) = token {
            return deed(who, "useInviteToken", json!({"token": token}));
        }
        let wish = json!({"rid": room, "days": 1, "maxUses": 0});
        deed(owner, "findOrCreateInvite", wish)
    }

    fn with_a_history(&mut self) -> Deed {
        let room = self.somewhere().0;
        let mut wish = json!({"roomId": room, "oldest": "2000-01-01T00:00:00Z",
                              "latest": "2100-01-01T00:00:00Z"});
        let more = match self.any(4) {
            0 => json!({}),
            1 => json!({"users": [self.any_name()]}),
            2 => json!({"ignoreThreads": true, "ignoreDiscussion": true, "limit": 3}),
            _ => json!({"limit": 1}),
        };
        let more = more.as_object().expect("fields").clone();
        wish.as_object_mut().expect("fields").extend(more);
        deed(self.admin.clone(), "rooms.cleanHistory", wish)
    }

    /// What others can do something with from now on.
    pub fn note_kin(&mut self, deed: &Deed, answer: &Answer) {
        let body = &answer.body;
        let family = |is_group: bool| if is_group { "groups" } else { "channels" };
        match &*deed.path {
            "teams.create" => {
                let team = &body["team"];
                let is_group = team["type"] == 1;
                self.teams.push(Team::of(team));
                self.found(&text(&team["roomId"]), family(is_group), deed);
            }
            path if path.ends_with(".convertToTeam") => {
                self.teams.push(Team::of(&body["team"]));
            }
            "teams.addRooms" => {
                let room = &body["rooms"][0];
                let mut teams = self.teams.iter_mut();
                let team = teams.find(|team| room["teamId"] == *team.id);
                team.expect("one of these teams")
                    .rooms
                    .push(text(&room["_id"]));
            }
            "teams.delete" | "teams.convertToChannel" => {
                self.teams.retain(|team| deed.body["teamId"] != *team.id);
            }
            "rooms.createDiscussion" => {
                let room = &body["discussion"];
                self.found(&text(&room["_id"]), family(room["t"] == "p"), deed);
            }
            "findOrCreateInvite" => self.links.push(text(&body["_id"])),
            _ => {}
        }
    }

    /// There is a room, which may be known: a direct message that is made again has its id.
    pub fn found(&mut self, id: &str, family: &'static str, deed: &Deed) {
        if let Some(room) = self.rooms.iter_mut().find(|room| room.id == id) {
            room.is_deleted = false;
            return;
        }
        self.rooms.push(Room {
            id: id.to_owned(),
            family,
            owner: deed.who.user_id.clone(),
            is_deleted: false,
        });
    }

    /// Finds out which rooms are gone: with what they belonged to, or with a message.
    pub async fn look_around(&mut self) {
        for room in self.rooms.iter_mut().filter(|room| !room.is_deleted) {
            let path = format!("rooms.adminRooms.getRoom?rid={}", room.id);
            room.is_deleted = !self.admin.get(&path).await.status.is_success();
        }
        let rooms = &self.rooms;
        let is_there = |id: &str| rooms.iter().any(|room| room.id == id && !room.is_deleted);
        self.teams.retain(|team| is_there(&team.room));
    }
}
