//! Documents of the wire that more than one door shows.

pub mod kept;
pub mod settings;
pub mod users;
