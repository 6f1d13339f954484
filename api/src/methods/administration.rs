//! Methods about roles, permissions, settings.

use super::Method;

pub(super) fn methods() -> Vec<Method> {
    Vec::new()
}
