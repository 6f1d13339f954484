//! Methods about small services around the workspace.

use super::Method;

pub(super) fn methods() -> Vec<Method> {
    Vec::new()
}
