//! Small services around the workspace.

use crate::route::Route;

pub(super) fn routes() -> Vec<Route> {
    Vec::new()
}
