//! Methods about rooms and one's place in them (contract, rooms 15 and messages 9).

mod direct;
mod making;
mod members;
mod place;
mod prune;
mod queries;
mod settings;
mod strangers;

use crate::methods::Method;

pub(super) fn methods() -> Vec<Method> {
    [
        direct::methods(),
        making::methods(),
        members::methods(),
        place::methods(),
        prune::methods(),
        queries::methods(),
        settings::methods(),
    ]
    .concat()
}
