//! Views computed from the log: what a room looks like, who has unread messages, what was said.
//!
//! Start at [`Views`]: it opens the views file of this node, keeps it up to date and answers questions. Every view
//! is a [`Projection`] in a module of its own (tables, apply, queries). `views(log)` is a function: any batch size, any
//! restart point and any node give the same tables.
//!
//! ```text
//! subscribe -> decode (task) -> apply (one thread) -> drop stale facts, wake waiters, publish live updates
//!                                 commit, a moment later or once asked <- readers (few threads) <- questions of the doors
//! ```
//!
//! Imports run down. A folder is one unit with its own file; of what stands side by side, nothing needs what needs it.
//!
//! ```text
//! search            the index of messages, which follows the log by itself
//! start, rebuild    views are opened, and built beside those that serve
//! past              views as they were at an earlier position
//! registry          which views there are
//! written           which of them an event is written to
//! live              what an event means to those who watch; what one user sees, from a position on
//! chat, views       the views: tables, apply, queries
//! engine            what keeps views up to date and answers from them, whatever is in them
//! names, json, ...  what all of it is made of
//! ```
//!
//! What this crate never does: write the log, call the outside world, or read a clock to decide what a view contains.

mod search;

mod past;
mod rebuild;
mod start;

mod registry;

pub mod live;

mod written;

mod chat;
mod views;

mod engine;

pub mod error;
mod iso;
mod json;
mod names;
mod numbers;

#[cfg(test)]
mod cursor_tests;
#[cfg(test)]
mod function_tests;
#[cfg(test)]
mod past_tests;
#[cfg(test)]
mod pending_tests;
#[cfg(test)]
mod receipt_tests;
#[cfg(test)]
#[path = "../testing/mod.rs"]
mod testing;

pub use chat::directory::{DirectoryQuery, DirectorySort, PeopleField, Spotlight};
pub use chat::figures::Figures;
pub use chat::memberships::{
    MemberOrder, MemberQuery, MemberRecord, MembershipRecord, RoleHolder, Who,
};
pub use chat::messages::{
    Changed, Doomed, HistoryQuery, MessageOrder, MessageRecord, Stretch, ThreadsWanted, Window,
};
pub use chat::receipts::{ReadFloor, Receipt};
pub use chat::rooms::{
    NameFilter, Parent, RoomQuery, RoomRecord, RoomSort, TeamEntry, TeamRecord, TeamRoomQuery,
    Teams,
};
pub use chat::tombstones::{Removed, Sync};
pub use chat::user_lists::{UserQuery, UserSearch, UserSort, Wanted};
pub use chat::users::Credentials;
pub use engine::applied::Applied;
pub use engine::dead_letters::{DeadLetter, Retried};
pub use engine::facts::{
    PersonalTokenFacts, ProofFacts, SecondFactorFacts, SessionFacts, UserFacts,
};
pub use engine::file::files_that_serve;
pub use engine::handle::Views;
pub use engine::index::Index;
pub use engine::lag::{Health, Lag};
pub use engine::paging::{Page, Slice};
pub use engine::past::Spacing;
pub use engine::people::{Folded, Person};
pub use engine::projection::{
    Apply, OnRefusal, Overview, Projection, ProjectionStatus, Standing, Unapplied,
};
pub use engine::queries::Queries;
pub use engine::registry::{Registry, Unfit};
pub use engine::since::Since;
pub use engine::tx::Tx;
pub use engine::work::{Difference, Ended, Last, Progress, Steered, Task, Throttle};
pub use error::{QueryError, ViewsError, WaitError};
pub use past::Past;
pub use rebuild::{
    Begun, ComparedRows, ComparedTable, Comparison, DeadLetters, Note, Served, Wish,
    dead_letters_offline, list, rebuild_offline, verify_offline,
};
pub use search::{
    FoundMessage, Highlighter, Hit, MessageQuery, Ranking, SEARCH, Search, SearchError,
    rebuild_search_offline, search_status,
};
pub use views::avatars::FileRecord;
pub use views::banners::BannerRecord;
pub use views::custom_statuses::CustomStatusQuery;
pub use views::data_exports::{DataExportRecord, DataExportStatus};
pub use views::email_inboxes::EmailInboxRecord;
pub use views::emoji::EmojiChanges;
pub use views::invites::InviteRecord;
pub use views::key_pairs::KeyPairRecord;
pub use views::oauth::{OAuthAppRecord, OAuthToken};
pub use views::push::PushRecord;
pub use views::record::{
    Found, KnownNames, NamedThing, Order, RecordEnd, RecordNames, RecordQuery, RoomIdentity,
};
pub use views::reports::{ReportKind, ReportQuery, ReportRecord, ReportedUser};
pub use views::roles::RoleRecord;
pub use views::settings::SettingRecord;
pub use views::subscriptions::SubscriptionRecord;
pub use views::webdav::WebdavRecord;
