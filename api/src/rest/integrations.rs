//! Other programs and services.

pub mod dns;
pub mod email_inboxes;
pub mod imports;
pub mod ldap;
pub mod login_services;
pub mod mail;
pub mod oauth_apps;
pub mod oauth_provider;
pub mod push;
pub mod shield;
pub mod video_conferences;
pub mod webdav;

use crate::http::route::Route;

pub(super) fn routes() -> Vec<Route> {
    [
        dns::routes(),
        email_inboxes::routes(),
        login_services::routes(),
        mail::routes(),
        oauth_apps::routes(),
        oauth_provider::routes(),
        push::routes(),
        shield::routes(),
        imports::routes(),
        ldap::routes(),
        video_conferences::routes(),
        webdav::routes(),
    ]
    .concat()
}
