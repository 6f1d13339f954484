//! How events are stored.
//!
//! An event's name and fields are a storage format. A field may be added with `#[serde(default)]`; any other
//! change needs a new `schema` number and an upcaster in `eventstore`. Every name and schema ever shipped has a
//! golden fixture that must still decode.
//!
//! Data is MessagePack with field names. It is written and read here, beside the events, so that this is compiled once
//! and not in every crate that reads the log.

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

    /// Appends the data as it is stored.
    fn encode_data(&self, to: &mut Vec<u8>) -> Result<(), rmp_serde::encode::Error>;

    /// [`Self::deserialize_data`] of data as it is stored.
    fn decode_data(event_type: &str, data: &[u8])
    -> Option<Result<Self, rmp_serde::decode::Error>>;

    /// Whether `event_type` is a name of this set.
    fn knows(event_type: &str) -> bool;

    /// Every name of this set with its current schema.
    fn types() -> Vec<(&'static str, u16)>;
}

/// Defines the events of one boundary: an enum over one struct per event, and its [`EventPayload`].
///
/// Fields that every event of the boundary has may be named behind the set, `Set [room: RoomId, user: UserId] { .. }`:
/// they become methods of the set.
macro_rules! events {
    ($(#[$doc:meta])* $set:ident [$($field:ident: $kind:ty),+ $(,)?] $body:tt) => {
        $crate::event::events! { $(#[$doc])* $set $body }
        $($crate::event::common_field! { $set $field $kind $body })+
    };
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

            fn encode_data(&self, to: &mut Vec<u8>) -> Result<(), rmp_serde::encode::Error> {
                self.serialize_data(&mut rmp_serde::Serializer::new(to).with_struct_map())
            }

            fn decode_data(
                event_type: &str,
                data: &[u8],
            ) -> Option<Result<Self, rmp_serde::decode::Error>> {
                let mut data = rmp_serde::Deserializer::from_read_ref(data);
                Self::deserialize_data(event_type, &mut data)
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

/// The method that returns a field which every event of a set has.
macro_rules! common_field {
    ($set:ident $field:ident $kind:ty { $($event:ident = $schema:literal),+ $(,)? }) => {
        impl $set {
            #[doc = concat!("The `", stringify!($field), "` that every event of the set names.")]
            pub fn $field(&self) -> &$kind {
                match self {
                    $(Self::$event(event) => &event.$field),+
                }
            }
        }
    };
}
pub(crate) use common_field;
