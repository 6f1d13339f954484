//! Methods that clients know, of what this server does not have: files in messages, and snippets.

use std::future::ready;

use crate::errors::{ApiError, wording};
use crate::methods::{Method, method};

pub(super) fn methods() -> Vec<Method> {
    vec![
        refused("sendFileMessage", wording::no_uploads),
        refused("deleteFileMessage", wording::no_uploads),
        refused("snippetMessage", wording::method_not_allowed),
    ]
}

fn refused(name: &'static str, refusal: fn(&str) -> ApiError) -> Method {
    method(name, move |_| ready(Err(refusal(name))))
}
