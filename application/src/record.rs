//! What can be exported from the record, and how it is told to those who read it.

pub mod data_exports;
#[cfg(test)]
mod golden;
pub mod harmless;
pub mod sentence;
pub mod withheld;
