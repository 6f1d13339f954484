//! People.

pub mod presence;
