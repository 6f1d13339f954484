//! Accounts, as their owners and as administrators see them.

use axum::http::Method;
use domain::permission::Permission;

use crate::rest::{accounts, users};
use crate::route::{Route, get, post, public};

pub(super) fn routes() -> Vec<Route> {
    vec![
        public(Method::POST, "users.register", users::register).takes(&users::REGISTER),
        get("users.info", users::info).takes(&users::INFO),
        get("users.list", users::list).needs(&[Permission::VIEW_D_ROOM]),
        post("users.create", accounts::create).takes(&accounts::CREATE),
        post("users.update", accounts::update)
            .takes(&accounts::UPDATE)
            .second_factor(),
        post("users.delete", accounts::delete).needs(&[Permission::DELETE_USER]),
        post("users.setActiveStatus", accounts::set_active_status)
            .takes(&accounts::SET_ACTIVE)
            .needs(&[Permission::EDIT_OTHER_USER_ACTIVE_STATUS]),
    ]
}
