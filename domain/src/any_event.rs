//! The closed set of everything that can have happened: the union of the events of all boundaries.

use serde::{Deserializer, Serializer};

use crate::Category;
use crate::event::EventPayload;

/// Defines the union over all boundaries.
macro_rules! union {
    ($($variant:ident($set:path)),+ $(,)?) => {
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
    Audit(crate::audit::AuditEvent),
}
