//! Running a workspace.

pub mod assets;
pub mod banners;
pub mod cloud;
pub mod emoji;
pub mod i18n;
pub mod info;
pub mod moderation;
pub mod permissions;
pub mod roles;
pub mod settings;
pub mod sounds;
pub mod statistics;

use crate::http::route::Route;

pub(super) fn routes() -> Vec<Route> {
    [
        assets::routes(),
        banners::routes(),
        cloud::routes(),
        emoji::routes(),
        i18n::routes(),
        info::routes(),
        moderation::routes(),
        permissions::routes(),
        roles::routes(),
        settings::routes(),
        sounds::routes(),
        statistics::routes(),
    ]
    .concat()
}
