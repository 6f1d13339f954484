//! Parts of long lists.

use bytes::Bytes;

/// Selects a part of a long list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slice {
    /// How many to skip at the start.
    pub offset: u64,
    /// `None`: all that follow.
    pub count: Option<u64>,
}

impl Slice {
    /// The whole list.
    pub const ALL: Self = Self {
        offset: 0,
        count: None,
    };

    /// The first `count`.
    pub const fn first(count: u64) -> Self {
        Self {
            offset: 0,
            count: Some(count),
        }
    }

    /// How long the whole list is, if so many items of it in the slice tell: they are its last.
    pub(crate) fn total(self, items: usize) -> Option<u64> {
        let items = u64::try_from(items).ok()?;
        let is_short = self.count.is_none_or(|count| items < count);
        (is_short && (items > 0 || self.offset == 0)).then(|| self.offset + items)
    }

    /// Whether the one with that number, from 0, is in it.
    pub(crate) fn holds(self, number: u64) -> bool {
        number >= self.offset && self.count.is_none_or(|count| number - self.offset < count)
    }
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
    /// The selected part of the list.
    pub items: Vec<T>,
    /// Length of the whole list.
    pub total: u64,
}
