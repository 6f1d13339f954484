use super::*;
use crate::record::golden::{Example, examples, pointers};
use crate::record::sentence::{Names, sentence};
use domain::{Event, EventPayload, RoomId, TokenHash, UserId, oauth_grant};
use serde_json::json;
use std::collections::BTreeSet;

/// Fields that sound like a secret and are none.
const NO_SECRETS: &[(&str, &str)] = &[
    (
        "sha256",
        "of the bytes of a file, so that a copy of it can be checked",
    ),
    ("public_key", "made to be known"),
    (
        "key_id",
        "what clients know a key by, and send with every message",
    ),
    (
        "client_id",
        "what a program calls itself in addresses that everybody sees",
    ),
];

/// What the names of fields with secrets are made of.
const SECRET_WORDS: [&str; 21] = [
    "access",
    "challenge",
    "client",
    "code",
    "credential",
    "except",
    "fingerprint",
    "grant",
    "hash",
    "key",
    "last_part",
    "login",
    "passw",
    "private",
    "proof",
    "refresh",
    "seal",
    "secret",
    "session",
    "sha",
    "token",
];

const HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$Y2lwaGVyY2lwaGVyY2lwaGVyY2lwaGVyY2lwaGVyY2k";

/// Whether there is something in it that nobody can read.
fn looks_secret(text: &str) -> bool {
    let is_base64 = |byte: char| byte.is_ascii_alphanumeric() || "+/=_".contains(byte);
    text.contains("$argon2") || text.split(|one| !is_base64(one)).any(|run| run.len() >= 32)
}

/// The name of the field that a pointer leads to, be it to one of a list.
fn field(pointer: &str) -> &str {
    let mut names = pointer.rsplit('/');
    names
        .find(|name| name.parse::<usize>().is_err())
        .unwrap_or_default()
}

/// The example with hashes wherever the name of a field sounds like a secret, or a secret is said to be.
fn with_secrets(example: &Example) -> Example {
    let secrets = SECRET_FIELDS
        .iter()
        .find(|(name, _)| *name == example.event_type);
    let secrets = secrets.map_or(&[][..], |(_, fields)| *fields);
    example.with_text(HASH, |pointer| {
        let path = pointer.trim_start_matches('/').replace('/', ".");
        let field = field(pointer).to_lowercase();
        // Free-form data has such a key.
        let sounds = field != "some key" && SECRET_WORDS.iter().any(|word| field.contains(word));
        sounds || secrets.iter().any(|secret| path.starts_with(secret))
    })
}

struct Ids;

impl Names for Ids {
    fn user(&self, user: &UserId) -> String {
        user.to_string()
    }

    fn room(&self, room: &RoomId) -> String {
        room.to_string()
    }
}

#[test]
fn events_without_secrets_are_found_by_their_order() {
    assert!(WITHOUT_SECRETS.is_sorted(), "the list is in order");
}

#[test]
fn every_event_is_in_one_of_the_lists() {
    let with = SECRET_FIELDS.iter().map(|(name, _)| *name);
    let listed: Vec<&str> = with.chain(WITHOUT_SECRETS.iter().copied()).collect();
    let once: BTreeSet<&str> = listed.iter().copied().collect();
    assert_eq!(once.len(), listed.len(), "an event is listed twice");
    let known: BTreeSet<&str> = Event::types().into_iter().map(|(name, _)| name).collect();
    assert_eq!(once, known, "the lists, and the events there are");
}

#[test]
fn every_secret_field_is_one_of_its_event() {
    for (event_type, fields) in SECRET_FIELDS {
        for field in *fields {
            let pointer = format!("/{}", field.replace('.', "/"));
            let found = examples()
                .iter()
                .any(|one| one.event_type == *event_type && one.data.pointer(&pointer).is_some());
            assert!(found, "{event_type} has no {field}");
        }
    }
}

#[test]
fn what_looks_like_a_secret_is_withheld() {
    let mut met = BTreeSet::new();
    for example in examples() {
        let planted = with_secrets(&example);
        let shown = withhold(&planted.event_type, planted.data.clone());
        for pointer in pointers(&shown) {
            let value = shown.pointer(&pointer).and_then(Value::as_str);
            if !value.is_some_and(looks_secret) {
                continue;
            }
            let field = field(&pointer);
            let known = NO_SECRETS.iter().any(|(name, _)| *name == field);
            assert!(known, "{}: {pointer} sounds like a secret", planted.file);
            met.insert(field.to_owned());
        }
    }
    let named: BTreeSet<String> = NO_SECRETS
        .iter()
        .map(|(name, _)| (*name).to_owned())
        .collect();
    assert_eq!(met, named, "exceptions, and where they were needed");
}

#[test]
fn no_sentence_holds_a_secret() {
    for example in examples() {
        for example in with_secrets(&example).variations() {
            let event = example.event().unwrap();
            let told = sentence(&event, &UserId::system(), &Ids);
            assert!(!looks_secret(&told), "{}: {told}", example.file);
        }
    }
}

#[test]
fn all_else_stays() {
    for example in examples() {
        let shown = withhold(&example.event_type, example.data.clone());
        for pointer in pointers(&example.data) {
            let (before, after) = (example.data.pointer(&pointer), shown.pointer(&pointer));
            let withheld = after.is_none_or(|after| *after == WITHHELD);
            let inner = before.is_some_and(|before| before.is_object() || before.is_array());
            let listed = SECRET_FIELDS
                .iter()
                .any(|(name, _)| *name == example.event_type);
            assert!(
                inner || before == after || (withheld && listed),
                "{}: {pointer} was {before:?} and is {after:?}",
                example.file
            );
        }
    }
}

#[test]
fn secrets_are_withheld_wherever_they_stand() {
    let table = [
        (
            "TotpEnabled",
            json!({"user": "ann", "backup_codes": ["a", "b"], "at": 1}),
            json!({"user": "ann", "backup_codes": [WITHHELD, WITHHELD], "at": 1}),
        ),
        (
            "WebdavAccountAdded",
            json!({"login": {"password": {"username": "ann", "password": "sealed"}}}),
            json!({"login": {"password": {"username": "ann", "password": WITHHELD}}}),
        ),
        (
            "WebdavAccountAdded",
            json!({"login": {"token": "sealed"}}),
            json!({"login": {"token": WITHHELD}}),
        ),
        (
            "OAuthCodeIssued",
            json!({"challenge": {"Plain": "verifier"}, "app": "a"}),
            json!({"challenge": WITHHELD, "app": "a"}),
        ),
        (
            "SettingChanged",
            json!({"setting": "SMTP_Password", "value": null, "sealed": "sealed"}),
            json!({"setting": "SMTP_Password", "value": null, "sealed": WITHHELD}),
        ),
        // It became a secret after it was recorded.
        (
            "SettingChanged",
            json!({"setting": "SMTP_Password", "value": "in the clear"}),
            json!({"setting": "SMTP_Password", "value": WITHHELD}),
        ),
        (
            "SettingChanged",
            json!({"setting": "Site_Name", "value": "Lab"}),
            json!({"setting": "Site_Name", "value": "Lab"}),
        ),
        // The first password is not mailed.
        (
            "WelcomeMailRequested",
            json!({"user": "ann", "at": 1}),
            json!({"user": "ann", "at": 1}),
        ),
        (
            "FromTheFuture",
            json!({"user": "ann", "list": ["a"], "nested": {"b": 1}}),
            json!({"user": WITHHELD, "list": [WITHHELD], "nested": WITHHELD}),
        ),
        ("FromTheFuture", json!("text"), json!(WITHHELD)),
        (
            "PasswordChanged",
            json!("not an object"),
            json!("not an object"),
        ),
    ];
    for (event_type, data, wanted) in table {
        assert_eq!(
            withhold(event_type, data.clone()),
            wanted,
            "{event_type}: {data}"
        );
    }
}

#[test]
fn names_of_streams_that_are_hashes_are_withheld() {
    let grant = oauth_grant::stream(&TokenHash::new("aGFzaA=="));
    let link = claim::stream(NameKind::MailToken, "token");
    let name = claim::stream(NameKind::Username, "ann");
    assert_eq!(stream(&grant), "oauthgrant-(withheld)");
    assert_eq!(stream(&link), "claim-mail-token-(withheld)");
    assert_eq!(stream(&name), name.as_str());
    let room = StreamId::new(Category::Room, "GENERAL");
    assert_eq!(stream(&room), "room-GENERAL");
}
