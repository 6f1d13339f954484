//! Methods about rooms and messages.

use super::Method;

pub(super) fn methods() -> Vec<Method> {
    Vec::new()
}
