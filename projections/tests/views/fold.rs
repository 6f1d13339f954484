//! What the views show of a room is what its events come to, folded in another way.

use std::collections::{BTreeMap, BTreeSet};

use domain::message::*;
use domain::{Event, MessageId, RoomId, UserId};
use projections::{MessageOrder, Page, Slice, ThreadsWanted};
use serde_json::Value;

use super::scene::Scene;
use crate::testing::{Dice, post, t};

const USERS: [&str; 3] = ["anna", "bert", "carl"];
const ROOM: &str = "general";

/// A message as the events say it is.
#[derive(Clone, Default)]
struct Said {
    author: String,
    text: String,
    thread: Option<String>,
    replies: Option<i64>,
    followers: BTreeSet<String>,
    mentions: BTreeSet<String>,
    reactions: BTreeSet<(String, String)>,
    stars: BTreeSet<String>,
    pinned: bool,
    blank: bool,
    /// The position of the last reply.
    last_reply: usize,
}

/// The messages of the room in the order in which they were posted.
#[derive(Default)]
struct Fold {
    said: Vec<(String, Said)>,
    gone: BTreeSet<String>,
}

impl Fold {
    fn get(&mut self, id: &str) -> Option<&mut Said> {
        let found = self.said.iter_mut().find(|(there, _)| there == id);
        found.map(|(_, said)| said)
    }

    fn apply(&mut self, position: usize, event: &MessageEvent) {
        if let MessageEvent::MessagePosted(e) = event {
            return self.post(position, e);
        }
        let id = event.message().to_string();
        if let MessageEvent::MessageDeleted(e) = event {
            return self.delete(&id, e.remains);
        }
        let Some(said) = self.get(&id) else { return };
        match event {
            MessageEvent::MessageEdited(e) => {
                said.text.clone_from(&e.content.text);
                said.mentions = mentioned(&e.content);
            }
            MessageEvent::ReactionAdded(e) => {
                said.reactions.insert((e.emoji.clone(), e.user.to_string()));
            }
            MessageEvent::ReactionRemoved(e) => {
                said.reactions
                    .remove(&(e.emoji.clone(), e.user.to_string()));
            }
            MessageEvent::MessagePinned(_) => said.pinned = true,
            MessageEvent::MessageUnpinned(_) => said.pinned = false,
            MessageEvent::MessageStarred(e) => drop(said.stars.insert(e.user.to_string())),
            MessageEvent::MessageUnstarred(e) => drop(said.stars.remove(e.user.as_str())),
            MessageEvent::ThreadFollowed(e) => drop(said.followers.insert(e.user.to_string())),
            MessageEvent::ThreadUnfollowed(e) => drop(said.followers.remove(e.user.as_str())),
            _ => {}
        }
    }

    fn post(&mut self, position: usize, e: &MessagePosted) {
        let (author, mentions) = (e.author.to_string(), mentioned(&e.content));
        let thread = e.thread.as_ref().map(MessageId::to_string);
        if let Some(parent) = thread.as_ref().and_then(|thread| self.get(thread)) {
            if parent.replies.is_none() {
                parent.followers.insert(parent.author.clone());
            }
            parent.followers.insert(author.clone());
            parent.followers.extend(mentions.clone());
            parent.replies = Some(parent.replies.unwrap_or(0) + 1);
            parent.last_reply = position;
        }
        let text = e.content.text.clone();
        let said = Said {
            author,
            text,
            thread,
            mentions,
            ..Said::default()
        };
        self.said.push((e.message.to_string(), said));
    }

    fn delete(&mut self, id: &str, remains: Remains) {
        let Some(said) = self.get(id) else { return };
        if said.blank && remains == Remains::Placeholder {
            return;
        }
        // One that is blank has been taken from its thread already.
        let thread = said.thread.clone();
        if remains == Remains::Placeholder {
            *said = Said {
                blank: true,
                text: String::new(),
                mentions: BTreeSet::new(),
                reactions: BTreeSet::new(),
                stars: BTreeSet::new(),
                pinned: false,
                ..said.clone()
            };
        } else {
            self.said.retain(|(there, _)| there != id);
            self.gone.insert(id.to_owned());
        }
        if let Some(parent) = thread.and_then(|thread| self.get(&thread)) {
            parent.replies = parent.replies.map(|count| (count - 1).max(0));
        }
    }

    /// The ids of those that are wanted, in the order in which they were posted.
    fn which(&self, wants: impl Fn(&Said) -> bool) -> Vec<String> {
        let wanted = self.said.iter().filter(|(_, said)| wants(said));
        wanted.map(|(id, _)| id.clone()).collect()
    }
}

fn mentioned(content: &Content) -> BTreeSet<String> {
    let users = content.mentions.iter().filter_map(Mention::user);
    users.map(UserId::to_string).collect()
}

/// Something that happens to one of the messages, or a new one.
fn next(dice: &mut Dice, fold: &Fold, number: usize) -> MessageEvent {
    let at = t(i64::try_from(number).unwrap() * 10);
    let name = *dice.pick(&USERS);
    let (user, by, room) = (UserId::new(name), UserId::new(name), RoomId::new(ROOM));
    let there = fold.which(|said| !said.blank);
    if there.is_empty() || dice.roll(4) == 0 {
        let mut message = post(
            &format!("m{number}"),
            ROOM,
            name,
            &format!("text {number}"),
            0,
        );
        message.at = at;
        message.content.mentions = mentions(dice);
        let beginnings = fold.which(|said| !said.blank && said.thread.is_none());
        if dice.roll(2) == 0 && !beginnings.is_empty() {
            message.thread = Some(MessageId::new(dice.pick(&beginnings)));
        }
        return message.into();
    }
    let message = MessageId::new(dice.pick(&there));
    let emoji = (*dice.pick(&[":a:", ":b:"])).to_owned();
    match dice.roll(11) {
        0 | 1 => {
            let text = format!("edited {number}");
            let content = Content {
                text,
                mentions: mentions(dice),
                ..Content::default()
            };
            let (hidden, custom_fields) = (None, None);
            MessageEdited {
                message,
                room,
                editor: user,
                at,
                content,
                hidden,
                custom_fields,
            }
            .into()
        }
        2 | 3 => ReactionAdded {
            message,
            room,
            user,
            emoji,
            at,
        }
        .into(),
        4 => ReactionRemoved {
            message,
            room,
            user,
            emoji,
            at,
        }
        .into(),
        5 => MessagePinned {
            message,
            room,
            by,
            at,
        }
        .into(),
        6 => MessageUnpinned {
            message,
            room,
            by,
            at,
        }
        .into(),
        7 => MessageStarred {
            message,
            room,
            user,
            at,
        }
        .into(),
        8 => MessageUnstarred {
            message,
            room,
            user,
            at,
        }
        .into(),
        9 if dice.roll(2) == 0 => ThreadFollowed {
            message,
            room,
            user,
            at,
        }
        .into(),
        9 => ThreadUnfollowed {
            message,
            room,
            user,
            at,
        }
        .into(),
        _ => {
            let has_replies = fold.which(|said| said.thread.as_deref() == Some(message.as_str()));
            let remains = if has_replies.is_empty() && dice.roll(2) == 0 {
                Remains::Nothing
            } else {
                Remains::Placeholder
            };
            MessageDeleted {
                message,
                room,
                by,
                at,
                remains,
            }
            .into()
        }
    }
}

fn mentions(dice: &mut Dice) -> Vec<Mention> {
    let mentioned = (dice.roll(3) == 0).then(|| Mention::User(UserId::new(*dice.pick(&USERS))));
    mentioned.into_iter().collect()
}

fn ids(page: &Page) -> Vec<String> {
    let id = |doc: &Value| doc["_id"].as_str().unwrap().to_owned();
    let docs = page
        .items
        .iter()
        .map(|doc| serde_json::from_slice(doc).unwrap());
    docs.map(|doc: Value| id(&doc)).collect()
}

fn set<'a>(value: impl Iterator<Item = &'a Value>) -> BTreeSet<String> {
    value.map(|one| one.as_str().unwrap().to_owned()).collect()
}

async fn compare(scene: &Scene, fold: &Fold, seed: u64) {
    let (room, all, oldest) = (RoomId::new(ROOM), Slice::ALL, MessageOrder::OldestFirst);
    let views = &scene.views;
    for (id, said) in &fold.said {
        let doc = scene.message(id).await;
        let list = |name: &str| {
            doc[name]
                .as_array()
                .into_iter()
                .flatten()
                .cloned()
                .collect::<Vec<_>>()
        };
        assert_eq!(doc["msg"], said.text, "seed {seed}: {doc}");
        assert_eq!(doc["t"] == "rm", said.blank, "seed {seed}: {doc}");
        assert_eq!(doc["tcount"].as_i64(), said.replies, "seed {seed}: {doc}");
        assert_eq!(
            set(list("replies").iter()),
            said.followers,
            "seed {seed}: {doc}"
        );
        assert_eq!(doc["pinned"] == true, said.pinned, "seed {seed}: {doc}");
        let mentions = list("mentions");
        let mentions = set(mentions.iter().map(|mention| &mention["_id"]));
        assert_eq!(mentions, said.mentions, "seed {seed}: {doc}");
        let by: BTreeMap<String, Value> =
            serde_json::from_value(doc["reactions"].clone()).unwrap_or_default();
        let reactions = by.iter().flat_map(|(emoji, by)| {
            let names = by["usernames"].as_array().unwrap();
            names.iter().map(|name| {
                let user = name.as_str().unwrap().trim_end_matches(".name");
                (emoji.clone(), user.to_owned())
            })
        });
        assert_eq!(
            reactions.collect::<BTreeSet<_>>(),
            said.reactions,
            "seed {seed}: {doc}"
        );
        let replies = ids(&views
            .replies(&MessageId::new(id), oldest, all)
            .await
            .unwrap());
        let expected = fold.which(|one| one.thread.as_ref() == Some(id));
        assert_eq!(replies, expected, "seed {seed}: replies to {id}");
    }
    let pinned = ids(&views.pinned(&room, oldest, all).await.unwrap());
    assert_eq!(
        pinned,
        fold.which(|said| said.pinned),
        "seed {seed}: pinned"
    );
    for name in USERS {
        let user = UserId::new(name);
        let starred = ids(&views.starred(&user, &room, oldest, all).await.unwrap());
        assert_eq!(
            starred,
            fold.which(|said| said.stars.contains(name)),
            "seed {seed}: {name}"
        );
        let mentions = ids(&views.mentions_of(&user, &room, oldest, all).await.unwrap());
        assert_eq!(
            mentions,
            fold.which(|said| said.mentions.contains(name)),
            "seed {seed}: {name}"
        );
        let wanted = ThreadsWanted::FollowedBy(user);
        let found = views
            .threads(&room, wanted, None, oldest, all)
            .await
            .unwrap();
        let mut expected: Vec<_> = fold
            .said
            .iter()
            .filter(|(_, said)| said.replies.unwrap_or(0) > 0 && said.followers.contains(name))
            .map(|(id, said)| (said.last_reply, id.clone()))
            .collect();
        expected.sort();
        let expected: Vec<_> = expected.into_iter().map(|(_, id)| id).collect();
        assert_eq!(ids(&found), expected, "seed {seed}: threads of {name}");
    }
    let gone = views
        .removed_messages(&room, views.since(t(0)))
        .await
        .unwrap();
    let gone: BTreeSet<_> = gone.into_iter().map(|gone| gone.id).collect();
    assert_eq!(gone, fold.gone, "seed {seed}: gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_room_shows_is_what_its_events_come_to() {
    for seed in [1, 7, 42, 2026] {
        let scene = Scene::new().await;
        let (mut dice, mut fold) = (Dice(seed), Fold::default());
        for round in 0..8 {
            let mut events = Vec::new();
            for number in round * 40..(round + 1) * 40 {
                let event = next(&mut dice, &fold, number + 1);
                fold.apply(number, &event);
                events.push(Event::from(event));
            }
            scene
                .say(i64::try_from(round).unwrap() * 1_000, events)
                .await;
            compare(&scene, &fold, seed).await;
        }
        scene.views.close().await;
    }
}
