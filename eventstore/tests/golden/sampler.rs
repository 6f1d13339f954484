//! Makes up samples of any type: a deserializer that answers every question with something. Options are there,
//! lists have two elements, and of an enum each sample has another variant.

use std::cell::Cell;

use domain::EventPayload;
use serde::de::value::{Error, MapDeserializer, StrDeserializer};
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

/// As many samples of an event as its largest enum has variants.
pub(crate) fn samples<E: EventPayload>(event_type: &str) -> Result<Vec<E>, Error> {
    let most = Cell::new(1);
    let mut samples = Vec::new();
    while samples.len() < most.get() {
        let sampler = Sampler {
            field: "text",
            turn: samples.len(),
            most: &most,
        };
        let sample = E::deserialize_data(event_type, sampler);
        samples.push(sample.ok_or_else(|| serde::de::Error::custom("no such event"))??);
    }
    Ok(samples)
}

#[derive(Clone, Copy)]
struct Sampler<'a> {
    /// The field it is for; what its texts say.
    field: &'static str,
    /// Which variant of an enum it is the turn of.
    turn: usize,
    /// The most variants any enum has had.
    most: &'a Cell<usize>,
}

macro_rules! answers {
    ($($method:ident => $visit:ident($answer:expr);)+) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            visitor.$visit($answer)
        })+
    };
}

impl<'de> Deserializer<'de> for Sampler<'_> {
    type Error = Error;

    /// Only free-form values ask for anything.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_map(MapDeserializer::new(
            [("some key", "some value")].into_iter(),
        ))
    }

    answers! {
        deserialize_bool => visit_bool(true);
        deserialize_i8 => visit_i8(-7);
        deserialize_i16 => visit_i16(-700);
        deserialize_i32 => visit_i32(-70_000);
        deserialize_i64 => visit_i64(1_735_689_600_123);
        deserialize_u8 => visit_u8(7);
        deserialize_u16 => visit_u16(700);
        deserialize_u32 => visit_u32(70_000);
        deserialize_u64 => visit_u64(1_735_689_600_123);
        deserialize_f32 => visit_f32(0.5);
        deserialize_f64 => visit_f64(0.5);
        deserialize_char => visit_char('x');
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_str(self.field)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_str(self.field)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(Several {
            sampler: self,
            left: 2,
        })
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(Several {
            sampler: self,
            left: len,
        })
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_tuple(len, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_struct("", &["some key"], visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_map(Fields {
            sampler: self,
            left: fields,
        })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.most.set(self.most.get().max(variants.len()));
        let variant = variants[self.turn % variants.len()];
        visitor.visit_enum(OneOf {
            sampler: self,
            variant,
        })
    }

    forward_to_deserialize_any! { i128 u128 bytes byte_buf unit unit_struct identifier ignored_any }
}

struct Several<'a> {
    sampler: Sampler<'a>,
    left: usize,
}

impl<'de> SeqAccess<'de> for Several<'_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        let Some(left) = self.left.checked_sub(1) else {
            return Ok(None);
        };
        self.left = left;
        self.sampler.turn += 1;
        seed.deserialize(self.sampler).map(Some)
    }
}

struct Fields<'a> {
    sampler: Sampler<'a>,
    left: &'static [&'static str],
}

impl<'de> MapAccess<'de> for Fields<'_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        let Some((field, left)) = self.left.split_first() else {
            return Ok(None);
        };
        self.left = left;
        self.sampler.field = field;
        seed.deserialize(StrDeserializer::new(field)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(self.sampler)
    }
}

struct OneOf<'a> {
    sampler: Sampler<'a>,
    variant: &'static str,
}

impl<'de, 'a> EnumAccess<'de> for OneOf<'a> {
    type Error = Error;
    type Variant = Sampler<'a>;

    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Sampler<'a>), Error> {
        Ok((
            seed.deserialize(StrDeserializer::<Error>::new(self.variant))?,
            self.sampler,
        ))
    }
}

impl<'de> VariantAccess<'de> for Sampler<'_> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_tuple(len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_struct("", fields, visitor)
    }
}
