//! Pictures and sounds: avatars, emoji, assets.

use crate::route::Route;

pub(super) fn routes() -> Vec<Route> {
    Vec::new()
}
