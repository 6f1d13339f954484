//! What a question finds, compared with a look at everything there is.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Method;
use serde_json::{Value, json};
use tests::client::Client;
use tests::on_both_logs;
use tests::server::{Server, ServerOptions};

use crate::{MOST, Question, ask, everything, make_room, page, pages, position, positions, say};

on_both_logs![
    a_filter_finds_what_a_look_at_everything_finds,
    several_filters_find_what_passes_each,
    pages_of_every_size_show_everything_once,
    names_are_those_of_the_time,
    what_others_do_to_somebody_is_found,
];

/// A workspace where something of each kind has happened.
struct Workspace {
    /// Runs as long as the workspace is there.
    _server: Server,
    admin: Client,
    ann: Client,
    bob: Client,
    cat: Client,
    lounge: String,
    cellar: String,
    direct: String,
    /// The request that posted `by this request`.
    request: String,
    /// A message of Bob's that the administrator deleted.
    deleted: String,
    /// Everything up to here, as an auditor reads it who sees private rooms.
    all: Vec<Seen>,
    /// The last of that.
    head: String,
}

/// An event, and whom it concerns beside its actor.
struct Seen {
    event: Value,
    users: BTreeSet<String>,
}

impl Seen {
    fn position(&self) -> u64 {
        position(&self.event)
    }

    fn text(&self, pointer: &str) -> &str {
        let found = self.event.pointer(pointer).and_then(Value::as_str);
        found.unwrap_or_default()
    }

    fn actor(&self) -> &str {
        self.text("/actor/id")
    }

    fn concerns(&self, user: &Client) -> bool {
        self.actor() == user.user_id || self.users.contains(&user.user_id)
    }

    fn is_in(&self, room: &str) -> bool {
        self.text("/room/id") == room
    }

    fn is_a(&self, types: &[&str]) -> bool {
        types.contains(&self.text("/type"))
    }

    fn says(&self, text: &str) -> bool {
        let said = self.text("/data/content/text").to_lowercase();
        self.is_a(&["MessagePosted", "MessageEdited"]) && said.contains(text)
    }
}

/// Whom each event concerns: the users it names, those a message calls, and its author if something is done to it.
fn seen(events: Vec<Value>) -> Vec<Seen> {
    let mut authors = BTreeMap::new();
    let mut all = Vec::new();
    for event in events {
        let data = &event["data"];
        let fields = ["user", "author", "editor", "by", "creator"];
        let mut named: Vec<&Value> = fields.iter().map(|field| &data[field]).collect();
        named.push(&data["owner"]["user"]);
        named.extend(data["participants"].as_array().into_iter().flatten());
        let mentions = data["content"]["mentions"].as_array();
        for mention in mentions.into_iter().flatten().filter_map(Value::as_object) {
            named.extend(mention.values());
        }
        let named = named.into_iter().filter_map(Value::as_str);
        let mut users: BTreeSet<String> = named.map(str::to_owned).collect();
        if event["category"] == "message" {
            let message = data["message"].to_string();
            match data["author"].as_str() {
                Some(author) => drop(authors.insert(message, author.to_owned())),
                None => users.extend(authors.get(&message).cloned()),
            }
        }
        all.push(Seen { event, users });
    }
    all
}

async fn workspace(options: ServerOptions) -> Workspace {
    let server = options.start().await;
    let admin = server.admin().await;
    crate::show_private_rooms(&admin, true).await;
    let (ann, bob) = (admin.new_user("ann").await, admin.new_user("bob").await);
    let cat = admin.new_user("cat").await;
    let wish = json!({"name": "lounge", "members": ["bob", "cat"]});
    let lounge = make_room(&ann, "channels.create", wish, "/channel/_id").await;
    let wish = json!({"name": "cellar", "members": ["bob"]});
    let cellar = make_room(&ann, "groups.create", wish, "/group/_id").await;
    let wish = json!({"username": "bob"});
    let direct = make_room(&ann, "im.create", wish, "/room/_id").await;

    let rude = say(&bob, "GENERAL", "rude words").await;
    let body = json!({"roomId": "GENERAL", "msgId": rude});
    admin.post("chat.delete", body).await.ok();
    let typo = say(&bob, &lounge, "helo").await;
    let body = json!({"roomId": lounge, "msgId": typo, "text": "Hello, Kitchen"});
    bob.post("chat.update", body).await.ok();
    let call = say(&ann, &lounge, "where is @cat? In the KITCHEN").await;
    let body = json!({"messageId": call, "emoji": ":smile:", "shouldReact": true});
    cat.post("chat.react", body).await.ok();
    let answer = crate::post(&bob, &cellar, "by this request").await;
    let request = answer.header("x-request-id").unwrap().to_owned();
    say(&ann, &direct, "between us, from the kitchen").await;
    let body = json!({"roomId": lounge, "name": "parlour"});
    ann.post("channels.rename", body).await.ok();
    let body = json!({"userId": bob.user_id, "data": {"username": "robert"}});
    admin.post("users.update", body).await.ok();
    say(&bob, &lounge, "under a new name").await;
    let body = json!({"roomId": lounge, "userId": cat.user_id});
    ann.post("channels.addModerator", body).await.ok();
    let body = json!({"roomId": lounge, "userId": bob.user_id});
    ann.post("channels.kick", body).await.ok();
    let body = json!({"roomId": lounge, "topic": "no kitchens"});
    ann.post("channels.setTopic", body).await.ok();
    admin
        .post("settings/Site_Name", json!({"value": "Lab"}))
        .await
        .ok();

    let all = everything(&admin).await;
    let head = position(all.last().unwrap()).to_string();
    Workspace {
        all: seen(all),
        _server: server,
        admin,
        ann,
        bob,
        cat,
        lounge,
        cellar,
        direct,
        request,
        deleted: rude,
        head,
    }
}

impl Workspace {
    /// The positions of what passes, up to the head.
    fn passing(&self, pass: impl Fn(&Seen) -> bool) -> Vec<u64> {
        let passing = self.all.iter().filter(|seen| pass(seen));
        passing.map(Seen::position).collect()
    }

    /// The question with the end that the workspace is looked at up to, unless it has another.
    fn up_to_head<'a>(&'a self, question: Question<'a>) -> Vec<(&'a str, &'a str)> {
        let mut question = question.to_vec();
        if question.iter().all(|(name, _)| *name != "to") {
            question.push(("to", &self.head));
        }
        question
    }

    /// Asks in either order: what is found are the `wanted` positions, and there are some.
    async fn find(&self, question: Question<'_>, mut wanted: Vec<u64>) {
        assert!(!wanted.is_empty(), "{question:?} has something to find");
        let mut question = self.up_to_head(question);
        let found = pages(&self.admin, &question, MOST).await;
        assert_eq!(positions(&found), wanted, "{question:?}");
        question.push(("order", "newest"));
        wanted.reverse();
        let found = pages(&self.admin, &question, MOST).await;
        assert_eq!(positions(&found), wanted, "{question:?}");
    }

    fn time_of(&self, part: usize) -> &str {
        self.all[self.all.len() * part / 4].text("/time")
    }
}

async fn a_filter_finds_what_a_look_at_everything_finds(options: ServerOptions) {
    let there = workspace(options).await;
    let everything: Vec<u64> = there.all.iter().map(Seen::position).collect();
    let gapless: Vec<u64> = (1..=there.head.parse().unwrap()).collect();
    assert_eq!(everything, gapless, "a look at everything misses nothing");
    there.find(&[], everything).await;

    let (lounge, cellar, direct) = (&*there.lounge, &*there.cellar, &*there.direct);
    let parlour = there.passing(|seen| seen.is_in(lounge));
    for named in ["lounge", "parlour", "#parlour", lounge] {
        there.find(&[("room", named)], parlour.clone()).await;
    }
    for room in [cellar, direct, "GENERAL"] {
        let found = there.passing(|seen| seen.is_in(room));
        there.find(&[("room", room)], found).await;
    }
    let either = there.passing(|seen| seen.is_in(cellar) || seen.is_in("GENERAL"));
    there.find(&[("room", "cellar, general")], either).await;

    let of_bob = there.passing(|seen| seen.concerns(&there.bob));
    for named in ["bob", "robert", "@Robert", &there.bob.user_id] {
        there.find(&[("user", named)], of_bob.clone()).await;
    }
    let either = there.passing(|seen| seen.concerns(&there.ann) || seen.concerns(&there.cat));
    there.find(&[("user", "ann,cat")], either).await;
    let by_bob = there.passing(|seen| seen.actor() == there.bob.user_id);
    there.find(&[("actor", "bob")], by_bob).await;
    let by_the_server = there.passing(|seen| seen.actor() == "system");
    there.find(&[("actor", "system")], by_the_server).await;

    for types in [&["MessageEdited"][..], &["MessagePosted", "MemberJoined"]] {
        let found = there.passing(|seen| seen.is_a(types));
        there.find(&[("type", &types.join(","))], found).await;
    }
    for categories in [&["message"][..], &["membership", "room"], &["setting"]] {
        let found = there.passing(|seen| categories.contains(&seen.text("/category")));
        there
            .find(&[("category", &categories.join(","))], found)
            .await;
    }
    let stream = format!("room-{lounge}");
    let found = there.passing(|seen| seen.text("/stream") == stream);
    there.find(&[("stream", &stream)], found).await;
    let found = there.passing(|seen| seen.text("/correlation") == there.request);
    there.find(&[("correlation", &there.request)], found).await;
    for text in ["kitchen", "KITCHEN", "n the k", "by this request"] {
        let found = there.passing(|seen| seen.says(&text.to_lowercase()));
        there.find(&[("text", text)], found).await;
    }

    let found = there.passing(|seen| seen.position() >= 7);
    there.find(&[("from", "7")], found).await;
    let found = there.passing(|seen| seen.position() <= 7);
    there.find(&[("to", "7")], found).await;
    let (first, third) = (there.time_of(1), there.time_of(3));
    let found = there.passing(|seen| seen.text("/time") >= first);
    there.find(&[("from", first)], found).await;
    let found = there.passing(|seen| seen.text("/time") < third);
    there.find(&[("to", third)], found).await;
}

async fn several_filters_find_what_passes_each(options: ServerOptions) {
    let there = workspace(options).await;
    let (lounge, bob) = (&*there.lounge, &there.bob);
    let found = there.passing(|seen| seen.is_in(lounge) && seen.is_a(&["MessagePosted"]));
    let question = [("room", "parlour"), ("type", "MessagePosted")];
    there.find(&question, found).await;
    let found = there.passing(|seen| {
        seen.is_in(lounge) && seen.concerns(bob) && seen.actor() == there.ann.user_id
    });
    let question = [("room", "parlour"), ("user", "bob"), ("actor", "ann")];
    there.find(&question, found).await;
    let (first, third) = (there.time_of(1), there.time_of(3));
    let found = there.passing(|seen| {
        seen.concerns(bob)
            && seen.text("/category") == "message"
            && (first..third).contains(&seen.text("/time"))
    });
    let question = [
        ("user", "bob"),
        ("category", "message"),
        ("from", first),
        ("to", third),
    ];
    there.find(&question, found).await;
    let found = there.passing(|seen| seen.is_in(lounge) && seen.says("kitchen"));
    let question = [("room", lounge), ("text", "kitchen")];
    there.find(&question, found).await;
    let found = there.passing(|seen| {
        seen.text("/correlation") == there.request && seen.is_a(&["MessagePosted"])
    });
    let question = [("correlation", &*there.request), ("type", "MessagePosted")];
    there.find(&question, found).await;
    let stream = format!("room-{lounge}");
    let found = there.passing(|seen| seen.text("/stream") == stream && seen.position() > 20);
    let question = [("stream", &*stream), ("from", "21")];
    there.find(&question, found).await;

    let contradiction = [("type", "MessagePosted"), ("category", "room")];
    let contradiction = there.up_to_head(&contradiction);
    let found = page(&there.admin, &contradiction).await;
    assert_eq!(positions(&found.events), [0; 0], "nothing passes both");
    assert!(!found.more, "and there is no more");
}

async fn pages_of_every_size_show_everything_once(options: ServerOptions) {
    let there = workspace(options).await;
    let head = there.all.len();
    let lounge = there.passing(|seen| seen.is_in(&there.lounge));
    let said = there.passing(|seen| seen.says("kitchen"));
    let everything: Vec<u64> = there.all.iter().map(Seen::position).collect();
    let cases: [(Question<'_>, &[u64], &[usize]); 3] = [
        (
            &[("room", "parlour")],
            &lounge,
            &[1, 2, 3, lounge.len() - 1, lounge.len()],
        ),
        (&[("text", "kitchen")], &said, &[1, 2, 3, 4]),
        (&[], &everything, &[7, head / 2, head - 1, head, head + 1]),
    ];
    for (question, wanted, sizes) in cases {
        let backwards: Vec<u64> = wanted.iter().rev().copied().collect();
        for size in sizes {
            let mut question = there.up_to_head(question);
            let found = pages(&there.admin, &question, *size).await;
            assert_eq!(positions(&found), wanted, "{question:?} by {size}");
            question.push(("order", "newest"));
            let found = pages(&there.admin, &question, *size).await;
            assert_eq!(positions(&found), backwards, "{question:?} by {size}");
        }
    }
}

async fn names_are_those_of_the_time(options: ServerOptions) {
    let there = workspace(options).await;
    let of_type = |name: &'static str| there.all.iter().filter(move |seen| seen.is_a(&[name]));
    let renamed = of_type("RoomRenamed").next().unwrap().position();
    let in_lounge = there.all.iter().filter(|seen| seen.is_in(&there.lounge));
    for seen in in_lounge {
        // The new name is given to what had the old one.
        let wanted = if seen.position() <= renamed {
            "#lounge"
        } else {
            "#parlour"
        };
        assert_eq!(seen.text("/room/name"), wanted, "{}", seen.event);
    }
    let renamed = of_type("UsernameChanged").next().unwrap().position();
    let by_bob = |seen: &&Seen| seen.actor() == there.bob.user_id;
    for seen in there.all.iter().filter(by_bob) {
        let wanted = if seen.position() <= renamed {
            "bob"
        } else {
            "robert"
        };
        assert_eq!(seen.text("/actor/name"), wanted, "{}", seen.event);
        assert!(
            seen.text("/sentence").starts_with(wanted),
            "{wanted} did it: {}",
            seen.event
        );
    }
    let told = |name| of_type(name).map(|seen| seen.text("/sentence")).next_back();
    let removed = told("MemberRemoved").unwrap();
    assert_eq!(removed, "ann removed robert from #parlour");
    let freed: Vec<&str> = of_type("NameReleased")
        .map(|seen| seen.text("/sentence"))
        .collect();
    for wanted in [
        "ann freed the name of a room for #lounge",
        "admin freed a user name for bob",
    ] {
        assert!(freed.contains(&wanted), "{wanted}: {freed:?}");
    }
    let direct = there.all.iter().find(|seen| seen.is_in(&there.direct));
    let called = direct.unwrap().text("/room/name");
    assert!(
        [
            "the direct messages of ann and bob",
            "the direct messages of bob and ann"
        ]
        .contains(&called),
        "a direct message is called by those it is between: {called}"
    );
}

async fn what_others_do_to_somebody_is_found(options: ServerOptions) {
    let there = workspace(options).await;
    let found = async |question: Question<'_>| {
        let question = there.up_to_head(question);
        pages(&there.admin, &question, MOST).await
    };
    let question = [
        ("user", "bob"),
        ("actor", "admin"),
        ("type", "MessageDeleted"),
    ];
    let deleted = found(&question).await;
    let messages: Vec<&Value> = deleted
        .iter()
        .map(|event| &event["data"]["message"])
        .collect();
    assert_eq!(messages, [&json!(there.deleted)], "by an administrator");
    let removed = found(&[("user", "robert"), ("type", "MemberRemoved")]).await;
    let removed = crate::sentences(&removed);
    assert_eq!(removed, ["ann removed robert from #parlour"]);
    let reactions = found(&[("user", "ann"), ("type", "ReactionAdded")]).await;
    assert_eq!(reactions.len(), 1, "to a message of theirs: {reactions:?}");
    let calls = found(&[("user", "cat"), ("type", "MessagePosted"), ("actor", "ann")]).await;
    assert_eq!(calls.len(), 1, "that mention them: {calls:?}");
    let roles = found(&[("user", "cat"), ("type", "RoomRoleGranted")]).await;
    assert_eq!(roles.len(), 1, "roles they get: {roles:?}");
}

#[tokio::test]
async fn a_cursor_of_another_record_is_refused() {
    let (server, other) = (Server::start().await, Server::start().await);
    let (admin, stranger) = (server.admin().await, other.admin().await);
    let theirs = page(&stranger, &[("limit", "2")]).await.cursor;
    let ours = page(&admin, &[("limit", "2")]).await.cursor;
    assert_ne!(theirs, ours, "cursors name their record");
    let next = page(&admin, &[("cursor", &ours), ("limit", "1")]).await;
    assert_eq!(positions(&next.events), [3]);
    let next = page(&admin, &[("cursor", "2"), ("limit", "1")]).await;
    assert_eq!(positions(&next.events), [3], "a bare position is a cursor");
    for (cursor, why) in [
        (&*theirs, "is of another record"),
        ("99999999", "is of another record"),
        ("nonsense", "is none"),
        ("-1", "is none"),
    ] {
        let refusal = ask(&admin, &[("cursor", cursor)]).await.refused(400);
        let said = refusal["error"].as_str().unwrap();
        assert!(said.contains(why), "{cursor}: {refusal}");
    }
}

#[tokio::test]
async fn other_formats_tell_in_headers_where_to_go_on() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let headers = [
        ("X-User-Id", &*admin.user_id),
        ("X-Auth-Token", &admin.token),
    ];
    for (format, media_type) in [
        ("table", "text/plain; charset=utf-8"),
        ("ndjson", "application/x-ndjson"),
        ("msgpack", "application/vnd.msgpack"),
        ("csv", "text/csv; charset=utf-8; header=present"),
    ] {
        let question = [("limit", "2"), ("to", "5"), ("format", format)];
        let first = crate::path("/audit/events", &question);
        let first = admin.load(Method::GET, &first, &headers).await;
        assert_eq!(first.header("content-type"), media_type, "{format}");
        assert_eq!(first.header("x-record-more"), "true", "{format}");
        let cursor = first.header("x-record-cursor");
        let next = page(&admin, &[("cursor", cursor), ("to", "5")]).await;
        assert_eq!(positions(&next.events), [3, 4, 5], "{format}: {cursor}");
        let question = [("to", "5"), ("format", format)];
        let whole = crate::path("/audit/events", &question);
        let whole = admin.load(Method::GET, &whole, &headers).await;
        assert_eq!(whole.header("x-record-more"), "false", "{format}");
    }
}

#[tokio::test]
async fn questions_that_make_no_sense_are_refused() {
    let server = Server::start().await;
    let admin = server.admin().await;
    for (question, why) in [
        (("room", "genral"), "did you mean \"general\""),
        (("user", "admn"), "did you mean \"admin\""),
        (("actor", "nobody.at.all"), "no user called"),
        (("type", "MessageEditd"), "did you mean \"MessageEdited\""),
        (("category", "mesage"), "did you mean \"message\""),
        (("stream", "room-nothing"), "no stream called"),
        (("correlation", "nonsense"), "no correlation id"),
        (("from", "yesterday"), "neither a position"),
        (("to", "2022-02-30"), "neither a position"),
        (("from", "0"), "before the record begins"),
        (("from", "2001-01-01"), "before the record begins"),
        (("to", "2001-01-01"), "before the record begins"),
        (("from", "2999-01-01"), "after the record ends"),
        (("to", "99999999"), "after the record ends"),
        (("text", " "), "is empty"),
        (("limit", "0"), "from 1 to 1000"),
        (("limit", "1001"), "from 1 to 1000"),
        (("order", "sideways"), "allowed values"),
        (("format", "xml"), "allowed values"),
        (("flavour", "sweet"), "additional properties"),
    ] {
        let refusal = ask(&admin, &[question]).await.refused(400);
        let said = refusal["error"].as_str().unwrap_or_default();
        assert!(said.contains(why), "{question:?}: {refusal}");
    }
    let refusal = ask(&admin, &[("from", "5"), ("to", "4")]).await;
    let refusal = refusal.refused(400);
    let said = refusal["error"].as_str().unwrap();
    assert!(said.contains("the range is empty"), "{refusal}");
    let many = vec!["admin"; 101].join(",");
    let refusal = ask(&admin, &[("user", &many)]).await.refused(400);
    let said = refusal["error"].as_str().unwrap();
    assert!(said.contains("more than 100 users"), "{refusal}");
    let readings = page(&admin, &[("category", "audit"), ("limit", "1000")]).await;
    assert_eq!(readings.events.len(), 0, "a refused question reads nothing");
}

#[tokio::test]
async fn a_page_has_no_more_than_fits_into_memory() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let most = json!({"value": 250_000});
    admin
        .post("settings/Message_MaxAllowedSize", most)
        .await
        .ok();
    let text = "x".repeat(200_000);
    for number in 0..50 {
        say(&admin, "GENERAL", &format!("{number} {text}")).await;
    }
    let head = page(&admin, &[("order", "newest"), ("limit", "1")]).await;
    let head = position(&head.events[0]).to_string();
    for order in ["oldest", "newest"] {
        let question = [
            ("type", "MessagePosted"),
            ("limit", "1000"),
            ("order", order),
            ("to", &head),
        ];
        let first = page(&admin, &question).await;
        let (shown, more) = (first.events.len(), first.more);
        assert!(0 < shown && shown < 50 && more, "{order}: {shown}, {more}");
        let question = [question[0], question[2], question[3]];
        let mut found = positions(&pages(&admin, &question, MOST).await);
        found.sort_unstable();
        found.dedup();
        assert_eq!(found.len(), 50, "{order}: the others are on other pages");
    }
}
