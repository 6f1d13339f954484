//! What can be exported from the record.

pub mod data_exports;
