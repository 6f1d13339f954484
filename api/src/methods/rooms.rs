//! Methods about rooms and one's place in them (contract, rooms 15 and messages 9).

mod making;
mod place;
mod settings;

use crate::methods::Method;

pub(super) fn methods() -> Vec<Method> {
    [making::methods(), place::methods(), settings::methods()].concat()
}
