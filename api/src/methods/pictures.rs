//! Methods about avatars, emoji and sounds.

use super::Method;

pub(super) fn methods() -> Vec<Method> {
    Vec::new()
}
