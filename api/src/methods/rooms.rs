//! Methods about rooms and one's place in them (contract, rooms 15 and messages 9).

mod place;
mod settings;

use crate::methods::Method;

pub(super) fn methods() -> Vec<Method> {
    [place::methods(), settings::methods()].concat()
}
