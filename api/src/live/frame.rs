//! Frames: what client and server say on `/live`, as JSON or as MessagePack.

use std::borrow::Cow;

use application::chat::notices::Notice;
use application::dates::iso;
use bytes::Bytes;
use domain::presence::Status;
use eventstore::Position;
use projections::live::{Form, LiveUpdate, Resume, Run};
use serde::{Deserialize, Serialize};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use crate::live::socket::{Opcode, push_frame};

/// How frames are written; the WebSocket subprotocol chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Text messages, subprotocol `hansard.json`. The default.
    Json,
    /// Binary messages, subprotocol `hansard.msgpack`.
    MessagePack,
}

impl Format {
    /// The subprotocols, in order of preference.
    pub const PROTOCOLS: [&'static str; 2] = ["hansard.json", "hansard.msgpack"];

    /// The format of the agreed subprotocol.
    pub fn of_protocol(protocol: Option<&str>) -> Self {
        if protocol == Some(Self::PROTOCOLS[1]) {
            Self::MessagePack
        } else {
            Self::Json
        }
    }
}

/// What a client asks for. On the wire an object with the command as its only key: `{"ping":{}}`.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClientFrame {
    /// Proves the user. The first frame, unless the handshake carried the credentials.
    Authenticate(Authenticate),
    /// Watches rooms, and possibly what concerns the user alone.
    Subscribe(Selection),
    Unsubscribe(Selection),
    /// Says whether somebody is behind the connection.
    Presence(SaidPresence),
    /// Asks for a `pong`.
    Ping(Ping),
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authenticate {
    pub token: String,
    /// Whose token it is; refused if it is somebody else's.
    #[serde(default, alias = "userId")]
    pub user: Option<String>,
    /// Comes back in the answer.
    #[serde(default, rename = "ref")]
    pub reference: Option<String>,
}

#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Selection {
    /// Room ids.
    #[serde(default)]
    pub rooms: Vec<String>,
    /// Also what concerns the user and no room.
    #[serde(default, rename = "self")]
    pub own: bool,
    /// Ids of users whose status is watched.
    #[serde(default)]
    pub presence: Vec<String>,
    /// Comes back in the answer.
    #[serde(default, rename = "ref")]
    pub reference: Option<String>,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SaidPresence {
    pub status: SaidStatus,
    /// Comes back in the answer.
    #[serde(default, rename = "ref")]
    pub reference: Option<String>,
}

/// What a client can say of its user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SaidStatus {
    /// Doing something at the moment.
    Online,
    /// Inactive for a while.
    Away,
}

#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ping {
    /// Comes back in the answer.
    #[serde(default, rename = "ref")]
    pub reference: Option<String>,
}

/// Why a message is not a frame. Shown to the client.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Text where binary is agreed on, or the other way round.
    #[error("this socket speaks {0}")]
    WrongFormat(&'static str),
    #[error("not a command: {0}")]
    Malformed(String),
}

impl ClientFrame {
    pub fn decode(message: &Message, format: Format) -> Result<Self, FrameError> {
        match (message, format) {
            (Message::Text(text), Format::Json) => {
                serde_json::from_str(text).map_err(|error| FrameError::Malformed(error.to_string()))
            }
            (Message::Binary(data), Format::MessagePack) => rmp_serde::from_slice(data)
                .map_err(|error| FrameError::Malformed(error.to_string())),
            (_, Format::Json) => Err(FrameError::WrongFormat("JSON in text messages")),
            (_, Format::MessagePack) => {
                Err(FrameError::WrongFormat("MessagePack in binary messages"))
            }
        }
    }
}

/// What the server says of the connection itself. A client that has seen everything up to this frame may resume at the
/// position.
#[derive(Debug, Serialize)]
pub struct ServerFrame<'a> {
    position: u64,
    resume: Resume,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    room: Option<&'a str>,
    data: Data<'a>,
}

/// The part of a [`ServerFrame`] that depends on its kind.
#[derive(Debug, Default, Serialize)]
struct Data<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rooms: Option<&'a [String]>,
    #[serde(rename = "self", skip_serializing_if = "Option::is_none")]
    own: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    presence: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Cow<'a, str>>,
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    reference: Option<&'a str>,
}

impl<'a> ServerFrame<'a> {
    fn new(kind: &'static str, at: Resume) -> Self {
        Self {
            position: at.position().get(),
            resume: at,
            kind,
            room: None,
            data: Data::default(),
        }
    }

    pub fn authenticated(at: Resume, user: &'a str) -> Self {
        let mut frame = Self::new("authenticated", at);
        frame.data.user = Some(user);
        frame
    }

    /// These are watched from here on.
    pub fn subscribed(at: Resume, rooms: &'a [String], own: bool) -> Self {
        let mut frame = Self::new("subscribed", at);
        (frame.data.rooms, frame.data.own) = (Some(rooms), Some(own));
        frame
    }

    /// These are no longer watched, because the client said so.
    pub fn unsubscribed(at: Resume, rooms: &'a [String], own: bool) -> Self {
        let mut frame = Self::new("unsubscribed", at);
        (frame.data.rooms, frame.data.own) = (Some(rooms), Some(own));
        frame
    }

    /// This room is no longer watched, because the user may not any more.
    pub fn expelled(at: Resume, room: &'a str) -> Self {
        let mut frame = Self::new("unsubscribed", at);
        frame.room = Some(room);
        (frame.data.code, frame.data.message) = (
            Some("access-ended"),
            Some(Cow::Borrowed("you may no longer see this room")),
        );
        frame
    }

    /// What was missed is sent; what comes now is new.
    pub fn ready(at: Resume) -> Self {
        Self::new("ready", at)
    }

    pub fn pong(at: Resume) -> Self {
        Self::new("pong", at)
    }

    pub fn error(at: Resume, code: &'static str, message: impl Into<Cow<'a, str>>) -> Self {
        let mut frame = Self::new("error", at);
        (frame.data.code, frame.data.message) = (Some(code), Some(message.into()));
        frame
    }

    /// The status of these users is watched from here on, or no longer.
    #[must_use]
    pub fn watching(mut self, users: &'a [String]) -> Self {
        self.data.presence = (!users.is_empty()).then_some(users);
        self
    }

    #[must_use]
    pub fn room(mut self, room: &'a str) -> Self {
        self.room = Some(room);
        self
    }

    /// Repeats the reference of the command it answers.
    #[must_use]
    pub fn answering(mut self, reference: Option<&'a str>) -> Self {
        self.data.reference = reference;
        self
    }

    pub fn encode(&self, format: Format) -> Message {
        encode(self, format)
    }
}

/// What others see of a user. A signal, not a fact: it has no place in the log, so it carries the position of the
/// connection.
#[derive(Debug, Serialize)]
pub struct PresenceFrame<'a> {
    position: u64,
    resume: Resume,
    kind: &'static str,
    data: Shown<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Shown<'a> {
    pub user: ShownUser<'a>,
    pub status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_text: Option<&'a str>,
    /// The reference of the command it answers.
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<&'a str>,
}

#[derive(Debug, Serialize)]
pub struct ShownUser<'a> {
    #[serde(rename = "_id")]
    pub id: &'a str,
    pub username: &'a str,
}

impl<'a> PresenceFrame<'a> {
    /// For a connection that is at this place.
    pub fn new(at: Resume, data: Shown<'a>) -> Self {
        Self {
            position: at.position().get(),
            resume: at,
            kind: "presence",
            data,
        }
    }

    pub fn encode(&self, format: Format) -> Message {
        encode(self, format)
    }
}

/// A message that only this user sees. A signal, as presence is.
#[derive(Debug, Serialize)]
pub struct NoticeFrame<'a> {
    position: u64,
    resume: Resume,
    kind: &'static str,
    room: &'a str,
    data: Told<'a>,
}

#[derive(Debug, Serialize)]
struct Told<'a> {
    #[serde(rename = "_id")]
    id: String,
    rid: &'a str,
    ts: String,
    msg: &'a str,
    groupable: bool,
    private: bool,
}

impl<'a> NoticeFrame<'a> {
    /// For a connection that is at this place.
    pub fn new(at: Resume, notice: &'a Notice) -> Self {
        let room = notice.room.as_str();
        Self {
            position: at.position().get(),
            resume: at,
            kind: "notice",
            room,
            data: Told {
                id: notice.at.as_millis().to_string(),
                rid: room,
                ts: iso(notice.at),
                msg: &notice.text,
                groupable: false,
                private: true,
            },
        }
    }

    pub fn encode(&self, format: Format) -> Message {
        encode(self, format)
    }
}

pub(crate) fn encode<T: Serialize>(frame: &T, format: Format) -> Message {
    match format {
        // Text and numbers can always be encoded in both formats; an empty message would only confuse the client.
        Format::Json => Message::Text(serde_json::to_string(frame).unwrap_or_default().into()),
        Format::MessagePack => {
            Message::Binary(rmp_serde::to_vec_named(frame).unwrap_or_default().into())
        }
    }
}

/// An update as a frame, ready to be sent to a client that is told of the same event once more.
pub(super) fn first_of_two(update: &LiveUpdate, format: Format) -> Bytes {
    let mut frame = Vec::new();
    push_update(&mut frame, update, update.resume(), format);
    frame.into()
}

/// A run of updates as frames, ready to be sent. All receivers share the bytes.
pub(super) fn updates(run: &Run, format: Format) -> Bytes {
    let form = match format {
        Format::Json => Form::Json,
        Format::MessagePack => Form::MessagePack,
    };
    run.encoded(form, |updates| {
        let mut frames = Vec::new();
        for update in updates {
            push_update(&mut frames, update, update.end(), format);
        }
        frames.into()
    })
}

fn push_update(frames: &mut Vec<u8>, update: &LiveUpdate, resume: Resume, format: Format) {
    match format {
        Format::Json => push_frame(frames, Opcode::Text, &update.json(resume)),
        Format::MessagePack => push_frame(frames, Opcode::Binary, &update.msgpack(resume)),
    }
}

/// Why the server closes a socket. The codes are part of the contract in `docs/live.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Close {
    /// The server stops; another one, or this one after its restart, goes on after the position.
    Stopping(Position),
    TooBig,
    Internal(Position),
    /// The views cannot answer now.
    TryLater,
    /// Wrong credentials, or a command before them.
    Unauthenticated,
    AuthenticationTimeout,
    /// The token was revoked or has expired, or the account was deactivated.
    AccessEnded,
    /// `after` is not a position of this log.
    BadPosition,
    /// The client did not answer pings.
    Silent(Position),
    /// The client reads more slowly than updates come.
    TooSlow(Position),
}

impl Close {
    pub fn frame(self) -> CloseFrame {
        let (code, reason) = match self {
            Self::Stopping(at) => (1012, format!("the server is stopping; resume after {at}")),
            Self::TooBig => (1009, "message too big".to_owned()),
            Self::Internal(at) => (1011, format!("internal error; resume after {at}")),
            Self::TryLater => (1013, "not available now; try again later".to_owned()),
            Self::Unauthenticated => (4001, "wrong credentials".to_owned()),
            Self::AuthenticationTimeout => (4002, "no credentials in time".to_owned()),
            Self::AccessEnded => (4003, "the token is no longer valid".to_owned()),
            Self::BadPosition => (4004, "cannot resume after that position".to_owned()),
            Self::Silent(at) => (4005, format!("pings stay unanswered; resume after {at}")),
            Self::TooSlow(at) => (4008, format!("too slow; resume after {at}")),
        };
        CloseFrame {
            code: code.into(),
            reason: reason.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eventstore::Mark;
    use serde_json::{Value, json};

    fn json_of(frame: &ServerFrame<'_>) -> Value {
        match frame.encode(Format::Json) {
            Message::Text(text) => serde_json::from_str(&text).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    fn decode(text: &str) -> Result<ClientFrame, FrameError> {
        ClientFrame::decode(&Message::text(text.to_owned()), Format::Json)
    }

    #[test]
    fn commands_are_objects_with_one_key() {
        let authenticate = decode(r#"{"authenticate":{"token":"t","user":"u"}}"#).unwrap();
        assert_eq!(
            authenticate,
            ClientFrame::Authenticate(Authenticate {
                token: "t".into(),
                user: Some("u".into()),
                reference: None
            })
        );
        let subscribe =
            decode(r#"{"subscribe":{"rooms":["a","b"],"self":true,"ref":"1"}}"#).unwrap();
        assert_eq!(
            subscribe,
            ClientFrame::Subscribe(Selection {
                rooms: vec!["a".into(), "b".into()],
                own: true,
                presence: vec![],
                reference: Some("1".into())
            })
        );
        assert_eq!(
            decode(r#"{"ping":{}}"#).unwrap(),
            ClientFrame::Ping(Ping::default())
        );
    }

    #[test]
    fn what_is_not_a_command_says_why() {
        for text in [
            "",
            "1",
            "[]",
            "{}",
            r#"{"dance":{}}"#,
            r#"{"subscribe":{"room":"a"}}"#,
            r#"{"ping":{},"ping":{}}"#,
        ] {
            assert!(
                matches!(decode(text), Err(FrameError::Malformed(_))),
                "{text}"
            );
        }
        let binary = Message::Binary(Bytes::from_static(b"{\"ping\":{}}"));
        assert!(matches!(
            ClientFrame::decode(&binary, Format::Json),
            Err(FrameError::WrongFormat(_))
        ));
    }

    #[test]
    fn commands_are_the_same_in_messagepack() {
        let packed =
            rmp_serde::to_vec_named(&json!({ "subscribe": { "rooms": ["a"], "self": false } }))
                .unwrap();
        let frame =
            ClientFrame::decode(&Message::Binary(packed.into()), Format::MessagePack).unwrap();
        assert_eq!(
            frame,
            ClientFrame::Subscribe(Selection {
                rooms: vec!["a".into()],
                ..Selection::default()
            })
        );
    }

    #[test]
    fn server_frames_carry_their_position() {
        let at = Mark::new(Position::new(7), &[0x1f; 32]).into();
        assert_eq!(
            json_of(&ServerFrame::ready(at)),
            json!({ "position": 7, "resume": "7-1f1f1f1f1f1f1f1f", "kind": "ready", "data": {} })
        );
        let rooms = ["a".to_owned()];
        assert_eq!(
            json_of(&ServerFrame::subscribed(at, &rooms, false).answering(Some("1"))),
            json!({ "position": 7, "resume": "7-1f1f1f1f1f1f1f1f", "kind": "subscribed", "data": { "rooms": ["a"], "self": false, "ref": "1" } })
        );
        assert_eq!(
            json_of(&ServerFrame::error(at, "not-allowed", "no").room("a")),
            json!({ "position": 7, "resume": "7-1f1f1f1f1f1f1f1f", "kind": "error", "room": "a", "data": { "code": "not-allowed", "message": "no" } })
        );
    }

    #[test]
    fn both_formats_say_the_same() {
        let frame = ServerFrame::authenticated(Resume::START, "u");
        let Message::Binary(packed) = frame.encode(Format::MessagePack) else {
            panic!("binary")
        };
        assert_eq!(
            rmp_serde::from_slice::<Value>(&packed).unwrap(),
            json_of(&frame)
        );
    }

    #[test]
    fn a_close_reason_fits_its_frame() {
        let at = Position::new(u64::MAX);
        for close in [
            Close::Stopping(at),
            Close::Internal(at),
            Close::Silent(at),
            Close::TooSlow(at),
            Close::AccessEnded,
        ] {
            assert!(close.frame().reason.len() <= 123);
        }
    }
}
