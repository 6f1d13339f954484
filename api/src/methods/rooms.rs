//! Methods about rooms and messages.

use crate::methods::Method;

pub(super) fn methods() -> Vec<Method> {
    Vec::new()
}
