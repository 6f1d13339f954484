//! File bytes, and pictures.

pub mod pictures;
pub mod store;
pub mod stored_files;
