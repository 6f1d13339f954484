//! Methods about rooms and one's place in them (contract, rooms 15 and messages 9).

mod direct;
mod place;
mod settings;

use crate::methods::Method;

pub(super) fn methods() -> Vec<Method> {
    [direct::methods(), place::methods(), settings::methods()].concat()
}
