use super::*;
use crate::record::golden::{Example, examples};
use domain::RoomId;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::PathBuf;

const WRITE: &str = "HANSARD_WRITE_GOLDEN";

/// People are called by their ids, rooms too, with a `#`.
struct Ids;

impl Names for Ids {
    fn user(&self, user: &UserId) -> String {
        user.to_string()
    }

    fn room(&self, room: &RoomId) -> String {
        format!("#{room}")
    }
}

/// Everybody and everything is called the same.
struct Always<'a>(&'a str);

impl Names for Always<'_> {
    fn user(&self, _: &UserId) -> String {
        self.0.to_owned()
    }

    fn room(&self, _: &RoomId) -> String {
        self.0.to_owned()
    }
}

/// Whom the event itself names as the one who acts.
fn doer(example: &Example) -> UserId {
    let places = match &*example.event_type {
        "MessageEdited" => &["/editor"][..],
        _ => &[
            "/by",
            "/author",
            "/creator",
            "/joining/added/by",
            "/user",
            "/owner",
            "/owner/user",
        ],
    };
    let mut found = places
        .iter()
        .filter_map(|place| example.data.pointer(place)?.as_str());
    found.next().unwrap_or("ann").into()
}

fn tell(example: &Example, actor: &UserId, names: &dyn Names) -> String {
    let event = example.event();
    let event = event.unwrap_or_else(|| panic!("{} is no event", example.file));
    sentence(&event, actor, names)
}

/// What is told of an example by the one who acts. Of the first one of a file also what is told when all that can be
/// missing is, and what somebody else tells.
fn told(example: &Example, is_first: bool) -> Vec<String> {
    let own = doer(example);
    if !is_first {
        return vec![tell(example, &own, &Ids)];
    }
    let variations = example.variations();
    let own = variations.iter().map(|one| tell(one, &own, &Ids));
    own.chain([tell(example, &UserId::new("boss"), &Ids)])
        .collect()
}

#[test]
fn every_golden_file_has_the_sentences_that_were_reviewed() {
    let mut all = String::new();
    let mut before = Vec::new();
    let mut last = String::new();
    for example in examples() {
        let is_first = last != example.file;
        last.clone_from(&example.file);
        for sentence in told(&example, is_first) {
            let line = format!("{}: {sentence}", example.file);
            if !before.contains(&line) {
                writeln!(all, "{line}").unwrap();
                before.push(line);
            }
        }
    }
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/record/sentence/golden.txt");
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&path, &all).unwrap();
    }
    let reviewed = std::fs::read_to_string(&path).unwrap_or_default();
    let (reviewed, all): (Vec<&str>, Vec<&str>) =
        (reviewed.lines().collect(), all.lines().collect());
    let new: Vec<_> = all.iter().filter(|line| !reviewed.contains(line)).collect();
    let gone: Vec<_> = reviewed.iter().filter(|line| !all.contains(line)).collect();
    assert!(
        reviewed == all,
        "golden.txt lacks {new:#?}\nand has {gone:#?}\nRun `{WRITE}=1 cargo test -p application --lib sentence` to \
         write it anew, and look at what changed."
    );
}

#[test]
fn what_the_golden_files_do_not_have_is_told_too() {
    let posted = |content: Value, presentation: Value| {
        json!({
            "message": "m", "room": "general", "author": "ann", "at": 1,
            "content": content, "presentation": presentation,
        })
    };
    let edited = |text: &str| {
        json!({
            "message": "m", "room": "general", "editor": "ann", "at": 1, "content": {"text": text},
        })
    };
    let cipher = "wZmCmSRjzFdyJxYfvQsmwZmCmSRjzFdyJxYfvQsmwZmCmSRjzFdyJxYfvQsm";
    let rows = [
        (
            "MessagePosted",
            posted(json!({"text": "hello world"}), Value::Null),
            "ann posted in #general: \"hello world\"",
        ),
        (
            "MessagePosted",
            posted(json!({"text": "", "attachments": [{}]}), Value::Null),
            "ann posted in #general, with 1 attachment",
        ),
        (
            "MessagePosted",
            posted(json!({"text": cipher}), json!({"encrypted": "e2e"})),
            "ann posted an encrypted message in #general",
        ),
        (
            "MessagePosted",
            posted(json!({"text": "hidden"}), json!({"e2e": "pending"})),
            "ann posted an encrypted message in #general",
        ),
        (
            "MessageEdited",
            edited("hello all"),
            "ann edited a message in #general: \"hello all\"",
        ),
        // What an older client made of an encrypted message.
        (
            "MessageEdited",
            edited(cipher),
            "ann edited a message in #general, which may be encrypted",
        ),
        (
            "MessageEdited",
            json!({
                "message": "m", "room": "general", "editor": "ann", "at": 1,
                "content": {"text": "", "attachments": [{"description": "the plan"}]},
            }),
            "ann edited a message in #general, with 1 attachment: \"the plan\"",
        ),
        (
            "RecordRead",
            json!({
                "reading": "r", "reader": {"user": "ann"}, "shown": {"results": 2}, "at": 1,
                "question": {"kind": "export", "narrowed": {"downloaded": "e"}},
            }),
            "ann downloaded the export e: 2 events",
        ),
        (
            "RecordRead",
            json!({
                "reading": "r", "reader": {"user": "ann"}, "shown": {"results": 0}, "at": 1,
                "question": {"kind": "export", "narrowed": {"removed": "e"}},
            }),
            "ann removed the export e",
        ),
        (
            "TopicChanged",
            json!({"room": "general", "text": "", "by": "ann", "at": 1}),
            "ann removed the topic of #general",
        ),
        (
            "MemberJoined",
            json!({"room": "general", "user": "bob", "joining": {"added": {"by": "ann"}}, "at": 1}),
            "ann added bob to #general",
        ),
        (
            "RoomRoleGranted",
            json!({"room": "general", "user": "ann", "role": "owner", "by": "ann", "at": 1}),
            "ann gave themselves the role owner in #general",
        ),
        (
            "MemberLeft",
            json!({"room": "general", "user": "bob", "at": 1}),
            "bob left #general (done by ann)",
        ),
        (
            "RolesChanged",
            json!({"user": "bob", "roles": [], "at": 1}),
            "ann changed the roles of bob to none",
        ),
        (
            "EmailChanged",
            json!({"user": "bob", "emails": [], "at": 1}),
            "ann removed the e-mail addresses of bob",
        ),
        (
            "ProfileChanged",
            json!({"user": "ann", "change": {"name": "Ann \"A\" Lee", "bio": ""}, "at": 1}),
            "ann changed their profile: name \"Ann \\\"A\\\" Lee\", bio removed",
        ),
        (
            "PreferencesChanged",
            json!({"user": "ann", "set": {"a\nb": 1}, "unset": ["c"], "at": 1}),
            "ann changed their preferences: a⏎b to 1, c to the default",
        ),
        (
            "PermissionRolesChanged",
            json!({"permission": "delete-c", "roles": ["admin", "moderator"], "at": 1}),
            "the roles admin, moderator hold the permission delete-c from now on (changed by ann)",
        ),
        (
            "PermissionRolesChanged",
            json!({"permission": "delete-c", "roles": ["admin"], "at": 1}),
            "the role admin holds the permission delete-c from now on (changed by ann)",
        ),
        (
            "PermissionRolesChanged",
            json!({"permission": "delete-c", "roles": [], "at": 1}),
            "no role holds the permission delete-c from now on (changed by ann)",
        ),
        (
            "SettingChanged",
            json!({"setting": "Accounts_RegistrationForm", "value": "Disabled", "at": 1}),
            "ann changed the setting Accounts_RegistrationForm to \"Disabled\"",
        ),
        // It became a secret after it was recorded.
        (
            "SettingChanged",
            json!({"setting": "SMTP_Password", "value": "in the clear", "at": 1}),
            "ann changed the setting SMTP_Password, which is a secret",
        ),
        (
            "UtcOffsetChanged",
            json!({"user": "ann", "offset": 330, "at": 1}),
            "ann changed their time zone to UTC+05:30",
        ),
        (
            "NameClaimed",
            json!({"kind": "mail-token", "owner": "bob", "at": 1}),
            "ann reserved a link in an e-mail for bob",
        ),
        (
            "NameReleased",
            json!({"kind": "custom-status", "owner": "x", "at": 1}),
            "ann freed a name for the custom status with the id x",
        ),
    ];
    for (event_type, data, wanted) in rows {
        let example = Example {
            file: event_type.to_owned(),
            event_type: event_type.to_owned(),
            data,
        };
        assert_eq!(tell(&example, &"ann".into(), &Ids), wanted, "{event_type}");
    }
}

#[test]
fn what_the_server_did_is_told_so() {
    let example = Example {
        file: String::new(),
        event_type: "DataExportFailed".to_owned(),
        data: json!({"user": "ann", "export": "x", "at": 1}),
    };
    assert_eq!(
        tell(&example, &UserId::system(), &Ids),
        "the server failed to make a copy of the data of ann"
    );
}

/// More characters than a sentence can have: a dozen texts of at most 80 characters, each written as a number.
const LONGEST: usize = 10_000;

#[test]
fn no_text_leaves_its_line_or_drives_a_terminal() {
    let long = "x".repeat(10_000);
    let one_cluster = format!("x{}", "\u{301}".repeat(10_000));
    let hostile = [
        "\u{1b}]0;owned\u{7}\u{1b}[2J",
        "\u{9b}31m",
        "line\r\nbob deleted a message in #general\n",
        "\u{2028}\u{2029}\u{85}\u{b}\u{c}",
        "\u{202e}gpj.exe\u{2066}\u{2069}\u{200f}",
        "nul\0nul",
        "\" (done by bob)\\",
        &long,
        &one_cluster,
    ];
    for text in hostile {
        for example in examples() {
            let example = example.with_text(text, |_| true);
            let told = tell(&example, &doer(&example), &Always(text));
            let file = &example.file;
            let obeyed = |one: char| {
                one.is_control()
                    || matches!(one, '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
            };
            assert!(!told.contains(obeyed), "{file}: {told:?}");
            assert!(told.chars().count() < LONGEST, "{file}: {told}");
        }
    }
}

#[test]
fn long_texts_and_lists_end_with_an_ellipsis_or_a_number() {
    let roles: Vec<String> = (0..1000).map(|number| format!("r{number}")).collect();
    let example = |event_type: &str, data: Value| Example {
        file: String::new(),
        event_type: event_type.to_owned(),
        data,
    };
    let many = example(
        "RolesChanged",
        json!({"user": "ann", "roles": roles, "at": 1}),
    );
    assert_eq!(
        tell(&many, &"ann".into(), &Ids),
        "ann changed their roles to r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, and 990 more"
    );
    let by = json!({"room": "r", "by": "ann", "text": "é".repeat(81), "at": 1});
    let long = example("TopicChanged", by);
    assert_eq!(
        tell(&long, &"ann".into(), &Ids),
        format!("ann changed the topic of #r to \"{}…\"", "é".repeat(80))
    );
}
