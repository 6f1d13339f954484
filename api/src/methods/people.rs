//! Methods about accounts and profiles.

use super::Method;

pub(super) fn methods() -> Vec<Method> {
    Vec::new()
}
