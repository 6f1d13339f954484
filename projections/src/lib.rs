//! Views computed from the log: what a room looks like, who has unread messages, what was said.
//!
//! Start at [`Views`]: it opens the views file of this node, keeps it up to date and answers questions. Every view
//! is a [`Projection`] in a module of its own (tables, apply, queries). `views(log)` is a function: any batch size, any
//! restart point and any node give the same tables.
//!
//! ```text
//! subscribe -> decode (task) -> apply + commit (one thread) -> wake waiters, drop stale facts, publish live updates
//!                                                                 readers (few threads) <- questions of the doors
//! ```
//!
//! What this crate never does: write the log, call the outside world, or read a clock to decide what a view contains.

pub mod error;

mod views;

mod applied;
mod index;
mod numbers;
mod paging;
mod projection;
mod registry;
mod rows;
mod tx;

mod assets;
mod avatars;
mod banners;
mod custom_statuses;
mod data_exports;
mod directory;
mod email_inboxes;
mod emoji;
mod figures;
mod key_pairs;
mod memberships;
mod message_doc;
mod messages;
mod oauth;
mod permissions;
mod push;
mod reports;
mod roles;
mod rooms;
mod second_factors;
mod sessions;
mod settings;
mod sounds;
mod system_messages;
mod tombstones;
mod user_lists;
mod users;
mod webdav;

mod intake;
mod orders;
mod rebuild;
mod start;
mod worker;

mod checkpointer;
mod facts;
mod file;
mod lag;
mod readers;
mod recent;
mod shared;
mod since;
mod unsynced;
mod wait;

pub mod live;

mod iso;
mod json;
mod names;

#[cfg(test)]
mod cursor_tests;
#[cfg(test)]
mod function_tests;
#[cfg(test)]
#[path = "../testing/mod.rs"]
mod testing;

pub use applied::Applied;
pub use avatars::FileRecord;
pub use banners::BannerRecord;
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
pub use memberships::{MemberQuery, MembershipRecord, RoleHolder};
pub use messages::{HistoryQuery, MessageRecord, Window};
pub use oauth::{OAuthAppRecord, OAuthToken};
pub use paging::{Page, Slice};
pub use projection::{Overview, Projection, ProjectionStatus};
pub use push::PushRecord;
pub use rebuild::{list, rebuild_offline};
pub use reports::{ReportKind, ReportQuery, ReportRecord, ReportedUser};
pub use roles::RoleRecord;
pub use rooms::{RoomQuery, RoomRecord, RoomSort};
pub use settings::SettingRecord;
pub use since::Since;
pub use tombstones::{Removed, Sync};
pub use tx::Tx;
pub use user_lists::{Found, UserLine, UserQuery, UserSort};
pub use users::Credentials;
pub use views::Views;
pub use webdav::WebdavRecord;
