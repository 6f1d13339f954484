//! The closed set of everything that can have happened: the union of the events of all boundaries.

use std::borrow::Cow;

use serde::{Deserializer, Serializer};

use crate::concern::{Concern, concern};
use crate::event::EventPayload;
use crate::{Category, RoomId, UserId};

/// Defines the union over all boundaries. Each set says what its events are about: `nobody`, one `user`, or what
/// [`Concern`] tells of each of them (`each`).
macro_rules! union {
    ($($variant:ident($set:path) of $whom:ident),+ $(,)?) => {
        /// Any event of any boundary.
        #[derive(Clone, Debug, PartialEq)]
        #[expect(missing_docs, reason = "each variant is documented at its event set")]
        pub enum Event {
            $($variant($set)),+
        }

        impl Event {
            /// The kind of stream it stands in.
            pub const fn category(&self) -> Category {
                match self {
                    $(Self::$variant(_) => Category::$variant),+
                }
            }

            /// The room it happened in, or is about.
            pub fn room(&self) -> Option<Cow<'_, RoomId>> {
                match self {
                    $(Self::$variant(event) => Concern::room(event)),+
                }
            }

            /// The users it concerns, as far as the event itself tells: whose account, login or membership it is, whom a
            /// message calls. May name somebody twice. Who wrote a message that somebody else edited is not in the event.
            pub fn users(&self) -> Vec<&UserId> {
                match self {
                    $(Self::$variant(event) => Concern::users(event)),+
                }
            }
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

            fn encode_data(&self, to: &mut Vec<u8>) -> Result<(), rmp_serde::encode::Error> {
                match self {
                    $(Self::$variant(event) => event.encode_data(to)),+
                }
            }

            fn decode_data(
                event_type: &str,
                data: &[u8],
            ) -> Option<Result<Self, rmp_serde::decode::Error>> {
                $(if <$set>::knows(event_type) {
                    return <$set>::decode_data(event_type, data)
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

        $(concern! { $set, $whom })+
    };
}

union! {
    Message(crate::message::MessageEvent) of each,
    Membership(crate::membership::MembershipEvent) of each,
    Session(crate::session::SessionEvent) of user,
    SecondFactor(crate::second_factor::SecondFactorEvent) of user,
    User(crate::user::UserEvent) of user,
    Room(crate::room::RoomEvent) of each,
    Setting(crate::setting::SettingEvent) of nobody,
    Permission(crate::permissions::PermissionEvent) of nobody,
    Claim(crate::claim::ClaimEvent) of each,
    DataExport(crate::data_export::DataExportEvent) of user,
    Presence(crate::presence::PresenceEvent) of user,
    CustomStatus(crate::custom_status::CustomStatusEvent) of nobody,
    KeyPair(crate::e2e::KeyPairEvent) of user,
    Report(crate::report::ReportEvent) of each,
    Webdav(crate::webdav::WebdavEvent) of user,
    AccountMail(crate::account_mail::AccountMailEvent) of user,
    Avatar(crate::avatar::AvatarEvent) of each,
    Emoji(crate::emoji::EmojiEvent) of nobody,
    Sound(crate::sound::SoundEvent) of nobody,
    Asset(crate::asset::AssetEvent) of nobody,
    Role(crate::role::RoleEvent) of each,
    LoginService(crate::login_service::LoginServiceEvent) of nobody,
    OAuthApp(crate::oauth_app::OAuthAppEvent) of nobody,
    OAuthGrant(crate::oauth_grant::OAuthGrantEvent) of each,
    Push(crate::push::PushEvent) of each,
    EmailInbox(crate::email_inbox::EmailInboxEvent) of nobody,
    Banner(crate::banner::BannerEvent) of nobody,
    BannerDismissal(crate::banner::BannerDismissalEvent) of user,
    Audit(crate::audit::AuditEvent) of nobody,
    Subscription(crate::subscription::SubscriptionEvent) of nobody,
    Invite(crate::invite::InviteEvent) of each,
    RoomExport(crate::room_export::RoomExportEvent) of each,
}
