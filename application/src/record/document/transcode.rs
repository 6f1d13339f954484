//! MessagePack written on in another form as it is read, without a value of it being made.

use std::cell::Cell;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Error as _, Serialize, SerializeMap as _, SerializeSeq as _, Serializer};

/// Data as it stands in the log.
pub(super) struct Transcoded<'a>(pub(super) &'a [u8]);

impl Serialize for Transcoded<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut from = rmp_serde::Deserializer::from_read_ref(self.0);
        from.deserialize_any(Through(to)).map_err(S::Error::custom)
    }
}

/// Hands on what it is shown.
struct Through<S>(S);

/// What is still to be read, as something that can be written. Once.
struct Unread<D>(Cell<Option<D>>);

impl<'de, D: Deserializer<'de>> Serialize for Unread<D> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let from = self.0.take();
        let from = from.ok_or_else(|| S::Error::custom("read before"))?;
        from.deserialize_any(Through(to)).map_err(S::Error::custom)
    }
}

/// Where the next of a list, or of a map, goes.
enum Next<'a, Q, M> {
    Item(&'a mut Q),
    Key(&'a mut M),
    Value(&'a mut M),
}

impl<'de, Q, M> DeserializeSeed<'de> for Next<'_, Q, M>
where
    Q: serde::ser::SerializeSeq,
    M: serde::ser::SerializeMap,
{
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        let unread = Unread(Cell::new(Some(from)));
        match self {
            Self::Item(list) => list.serialize_element(&unread).map_err(de::Error::custom),
            Self::Key(map) => map.serialize_key(&unread).map_err(de::Error::custom),
            Self::Value(map) => map.serialize_value(&unread).map_err(de::Error::custom),
        }
    }
}

macro_rules! hand_on {
    ($($visit:ident($value:ty) => $serialize:ident),+ $(,)?) => {
        $(fn $visit<E: de::Error>(self, value: $value) -> Result<S::Ok, E> {
            self.0.$serialize(value).map_err(E::custom)
        })+
    };
}

impl<'de, S: Serializer> Visitor<'de> for Through<S> {
    type Value = S::Ok;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("what JSON has, too")
    }

    hand_on! {
        visit_bool(bool) => serialize_bool,
        visit_i64(i64) => serialize_i64,
        visit_u64(u64) => serialize_u64,
        visit_f64(f64) => serialize_f64,
        visit_str(&str) => serialize_str,
    }

    fn visit_unit<E: de::Error>(self) -> Result<S::Ok, E> {
        self.0.serialize_unit().map_err(E::custom)
    }

    fn visit_none<E: de::Error>(self) -> Result<S::Ok, E> {
        self.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<S::Ok, D::Error> {
        from.deserialize_any(self)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, from: D) -> Result<S::Ok, D::Error> {
        from.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<S::Ok, A::Error> {
        let list = self.0.serialize_seq(items.size_hint());
        let mut list = list.map_err(de::Error::custom)?;
        while items
            .next_element_seed(Next::<_, S::SerializeMap>::Item(&mut list))?
            .is_some()
        {}
        list.end().map_err(de::Error::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<S::Ok, A::Error> {
        let map = self.0.serialize_map(fields.size_hint());
        let mut map = map.map_err(de::Error::custom)?;
        while fields
            .next_key_seed(Next::<S::SerializeSeq, _>::Key(&mut map))?
            .is_some()
        {
            fields.next_value_seed(Next::<S::SerializeSeq, _>::Value(&mut map))?;
        }
        map.end().map_err(de::Error::custom)
    }
}
