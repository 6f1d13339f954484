//! What can be taken out of the record.

pub mod data_export;
