//! What this process knows of people that the log does not: who is there.

pub mod presence;
