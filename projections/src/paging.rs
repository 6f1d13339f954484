//! Parts of long lists.

use bytes::Bytes;

/// Which part of a long list is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slice {
    /// How many to leave out at the start.
    pub offset: u64,
    /// How many at most; `None`: all.
    pub count: Option<u64>,
}

impl Slice {
    /// Everything.
    pub const ALL: Self = Self {
        offset: 0,
        count: None,
    };
}

/// `LIMIT` and `OFFSET` of a slice.
pub(crate) fn bounds(slice: Slice) -> (i64, i64) {
    let count = slice
        .count
        .map_or(-1, |count| i64::try_from(count).unwrap_or(i64::MAX));
    (count, i64::try_from(slice.offset).unwrap_or(i64::MAX))
}

/// Part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T = Bytes> {
    /// The part asked for.
    pub items: Vec<T>,
    /// How many there are in all.
    pub total: u64,
}
