//! The record, or a part of it, in files for other programs.
//!
//! An export is a row of files, each of which is a function of the log and of the [`Order`] that was fixed when the export
//! began. So one that is interrupted goes on behind its last complete file, and ends as it would have ended.
//!
//! ```text
//! begin    a question becomes an order, and is recorded
//! make     the log becomes pieces of files, part after part
//! folder   pieces become files, with what explains them
//! ```

mod addresses;
mod archive;
mod attempt;
mod begin;
mod claims;
mod conversation;
mod conversations;
pub mod csv;
mod downloads;
mod eml;
mod endings;
mod events;
mod explain;
mod folder;
mod follow;
mod html;
mod job;
pub mod jobs;
mod journal;
mod kept;
mod make;
mod ndjson;
mod order;
mod out;
mod outcome;
mod piece;
mod private;
mod queue;
mod rsmf;
mod space;
mod stretches;
mod syncing;
mod telling;
#[cfg(test)]
mod testing;
mod text;
mod touched;
mod visible;

pub use archive::archive;
pub use begin::{begin, end, resume, taken};
pub use claims::Claim;
pub use downloads::Download;
pub use folder::{Folder, Target, Unfinished, fill};
pub use job::{Ended, Job, Why};
pub use make::make;
pub use order::{ConversationNote, ExportFormat, ExportWish, FileNote, Order, Reached};
pub use outcome::{Filled, Finished, FolderError};
pub use piece::{Begun, Decoder, Malformed, Piece};
pub use queue::ExportQueue;
