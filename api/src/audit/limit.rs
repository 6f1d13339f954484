//! How many items of the record somebody wants at once.

use serde_json::Value;

use crate::errors::{ApiError, wording};
use crate::http::parameters::Param;
use crate::http::schema::Kind;

/// From 1 to `MOST`; anything else is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit<const MOST: u64>(u64);

/// How many events somebody wants at once.
pub type OfEvents = Limit<{ application::record::reading::MOST_ENTRIES as u64 }>;

impl<const MOST: u64> Limit<MOST> {
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The same as a length.
    pub fn items(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl<const MOST: u64> Param for Limit<MOST> {
    const KIND: Kind = Kind::Number;

    fn read(value: Option<Value>, _: &'static str) -> Result<Self, ApiError> {
        let number = value.and_then(|value| value.as_u64());
        let number = number.filter(|number| (1..=MOST).contains(number));
        number.map(Self).ok_or_else(|| wording::record_limit(MOST))
    }
}
