//! The closed set of everything that can have happened.
//!
//! An event's name and fields are a storage format. A field may be added with `#[serde(default)]`; any other
//! change needs a new `schema` number and an upcaster in `eventstore`. Every name and schema ever shipped has a
//! golden fixture that must still decode.

use serde::{Deserializer, Serializer};

/// What the log needs to know of an event: its name, the number of its shape, and its data.
pub trait EventPayload: Sized {
    /// The name it is stored under, e.g. `MessagePosted`.
    fn event_type(&self) -> &'static str;

    /// The number of the current shape of its data, from 1.
    fn schema(&self) -> u16;

    /// Writes the data (the fields alone, without name or schema).
    fn serialize_data<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;

    /// Reads data of the current schema stored under `event_type`; `None` when the name is not of this set.
    fn deserialize_data<'de, D: Deserializer<'de>>(
        event_type: &str,
        deserializer: D,
    ) -> Option<Result<Self, D::Error>>;

    /// Whether `event_type` is a name of this set.
    fn knows(event_type: &str) -> bool;

    /// Every name of this set with its current schema.
    fn types() -> Vec<(&'static str, u16)>;
}

/// Defines the events of one boundary: an enum over one struct per event, and its [`EventPayload`].
macro_rules! events {
    ($(#[$doc:meta])* $set:ident { $($event:ident = $schema:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        #[expect(missing_docs, reason = "each variant is documented at its struct")]
        pub enum $set {
            $($event($event)),+
        }

        impl $crate::event::EventPayload for $set {
            fn event_type(&self) -> &'static str {
                match self {
                    $(Self::$event(_) => stringify!($event)),+
                }
            }

            fn schema(&self) -> u16 {
                match self {
                    $(Self::$event(_) => $schema),+
                }
            }

            fn serialize_data<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    $(Self::$event(data) => serde::Serialize::serialize(data, serializer)),+
                }
            }

            fn deserialize_data<'de, D: serde::Deserializer<'de>>(
                event_type: &str,
                deserializer: D,
            ) -> Option<Result<Self, D::Error>> {
                match event_type {
                    $(stringify!($event) => Some(
                        <$event as serde::Deserialize>::deserialize(deserializer).map(Self::$event)
                    ),)+
                    _ => None,
                }
            }

            fn knows(event_type: &str) -> bool {
                matches!(event_type, $(stringify!($event))|+)
            }

            fn types() -> Vec<(&'static str, u16)> {
                vec![$((stringify!($event), $schema)),+]
            }
        }

        $(impl From<$event> for $set {
            fn from(data: $event) -> Self {
                Self::$event(data)
            }
        })+
    };
}
pub(crate) use events;

/// Defines the union over all boundaries.
macro_rules! union {
    ($($variant:ident($set:path)),+ $(,)?) => {
        /// Any event of any boundary.
        #[derive(Clone, Debug, PartialEq)]
        #[expect(missing_docs, reason = "each variant is documented at its event set")]
        pub enum Event {
            $($variant($set)),+
        }

        impl EventPayload for Event {
            fn event_type(&self) -> &'static str {
                match self {
                    $(Self::$variant(event) => event.event_type()),+
                }
            }

            fn schema(&self) -> u16 {
                match self {
                    $(Self::$variant(event) => event.schema()),+
                }
            }

            fn serialize_data<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    $(Self::$variant(event) => event.serialize_data(serializer)),+
                }
            }

            fn deserialize_data<'de, D: Deserializer<'de>>(
                event_type: &str,
                deserializer: D,
            ) -> Option<Result<Self, D::Error>> {
                $(if <$set>::knows(event_type) {
                    return <$set>::deserialize_data(event_type, deserializer)
                        .map(|result| result.map(Self::$variant));
                })+
                None
            }

            fn knows(event_type: &str) -> bool {
                $(<$set>::knows(event_type))||+
            }

            fn types() -> Vec<(&'static str, u16)> {
                let mut types = Vec::new();
                $(types.extend(<$set>::types());)+
                types
            }
        }

        $(impl From<$set> for Event {
            fn from(event: $set) -> Self {
                Self::$variant(event)
            }
        })+
    };
}

union! {
    Message(crate::message::MessageEvent),
    Membership(crate::membership::MembershipEvent),
    Session(crate::session::SessionEvent),
    SecondFactor(crate::second_factor::SecondFactorEvent),
    User(crate::user::UserEvent),
    Room(crate::room::RoomEvent),
    Setting(crate::setting::SettingEvent),
    Permission(crate::permissions::PermissionEvent),
    Claim(crate::claim::ClaimEvent),
    DataExport(crate::data_export::DataExportEvent),
    Presence(crate::presence::PresenceEvent),
    CustomStatus(crate::custom_status::CustomStatusEvent),
    KeyPair(crate::e2e::KeyPairEvent),
    Report(crate::report::ReportEvent),
    Webdav(crate::webdav::WebdavEvent),
    AccountMail(crate::account_mail::AccountMailEvent),
    Avatar(crate::avatar::AvatarEvent),
    Emoji(crate::emoji::EmojiEvent),
    Sound(crate::sound::SoundEvent),
    Asset(crate::asset::AssetEvent),
    Role(crate::role::RoleEvent),
    LoginService(crate::login_service::LoginServiceEvent),
    OAuthApp(crate::oauth_app::OAuthAppEvent),
    OAuthGrant(crate::oauth_grant::OAuthGrantEvent),
    Push(crate::push::PushEvent),
    EmailInbox(crate::email_inbox::EmailInboxEvent),
    Banner(crate::banner::BannerEvent),
    BannerDismissal(crate::banner::BannerDismissalEvent),
}
