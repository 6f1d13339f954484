//! Subscriptions to the record: a program is told what happens, part after part, and says what it has handled.
//!
//! A part is handed out at least once, in the order of the record. Where a subscription is stands in the log itself, in
//! the stream of the subscription, so that any node can go on with it. Everything here is decided on that stream: two
//! consumers of one subscription may be told the same, and can never lose anything.

mod decide;
mod list;
mod manage;
mod next;
mod receipt;
mod subject;
mod waiters;

pub use list::{Listed, list};
pub use manage::{acknowledge, begin, end, end_at_once};
pub use next::{Batch, MOST_WAIT, Wish, next};
pub use receipt::{Handled, Receipt};
pub use waiters::Waiters;
