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
//! start, rebuild, worker      views are opened, built and kept up to date
//! live                        what one user sees, from a position on
//! registry, updates           which views there are; what an event means to those who watch
//! chat, users, settings, ...  the views: tables, apply, queries
//! views                       the handle that questions are asked through
//! shared, facts, file, ...    what is behind the handle
//! projection, tx              what a view is, and what events are applied to
//! rows, hub                   rows in memory; updates, and to whom they go
//! names, json, numbers, ...   what all of it is made of
//! ```
//!
//! What this crate never does: write the log, call the outside world, or read a clock to decide what a view contains.

mod rebuild;
mod start;
mod worker;

pub mod live;

mod registry;
mod updates;

mod assets;
mod avatars;
mod banners;
mod chat;
mod custom_statuses;
mod data_exports;
mod directory;
mod email_inboxes;
mod emoji;
mod figures;
mod key_pairs;
mod oauth;
mod permissions;
mod push;
mod reports;
mod roles;
mod second_factors;
mod sessions;
mod settings;
mod sounds;
mod user_lists;
mod users;
mod webdav;

mod views;

mod checkpointer;
mod facts;
mod file;
mod intake;
mod lag;
mod orders;
mod pending;
mod people;
mod readers;
mod recent;
mod shared;
mod since;
mod unsynced;
mod user_order;
mod wait;

mod projection;
mod tx;

mod hub;
mod rows;

mod applied;
pub mod error;
mod index;
mod iso;
mod json;
mod names;
mod numbers;
mod paging;

#[cfg(test)]
mod cursor_tests;
#[cfg(test)]
mod function_tests;
#[cfg(test)]
mod pending_tests;
#[cfg(test)]
#[path = "../testing/mod.rs"]
mod testing;

pub use applied::Applied;
pub use avatars::FileRecord;
pub use banners::BannerRecord;
pub use chat::memberships::{MemberQuery, MembershipRecord, RoleHolder};
pub use chat::messages::{HistoryQuery, MessageRecord, Window};
pub use chat::rooms::{RoomQuery, RoomRecord, RoomSort};
pub use chat::tombstones::{Removed, Sync};
pub use custom_statuses::CustomStatusQuery;
pub use data_exports::{DataExportRecord, DataExportStatus};
pub use directory::{DirectoryQuery, DirectorySort, PeopleField, Spotlight};
pub use email_inboxes::EmailInboxRecord;
pub use emoji::EmojiChanges;
pub use error::{QueryError, ViewsError, WaitError};
pub use facts::{PersonalTokenFacts, ProofFacts, SecondFactorFacts, SessionFacts, UserFacts};
pub use figures::Figures;
pub use index::Index;
pub use key_pairs::KeyPairRecord;
pub use lag::{Health, Lag, RebuildProgress};
pub use oauth::{OAuthAppRecord, OAuthToken};
pub use paging::{Page, Slice};
pub use people::{Folded, Person};
pub use projection::{Overview, Projection, ProjectionStatus};
pub use push::PushRecord;
pub use rebuild::{list, rebuild_offline};
pub use reports::{ReportKind, ReportQuery, ReportRecord, ReportedUser};
pub use roles::RoleRecord;
pub use settings::SettingRecord;
pub use since::Since;
pub use tx::Tx;
pub use user_lists::{UserQuery, UserSearch, UserSort, Wanted};
pub use users::Credentials;
pub use views::Views;
pub use webdav::WebdavRecord;
