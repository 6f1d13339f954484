//! Pictures and sounds: avatars, emoji, assets.

use axum::http::Method;
use domain::permission::Permission;

use crate::errors::wording;
use crate::http::route::{Rate, Route, get, post, public};
use crate::http::schema::{Kind, PAGE};
use crate::rest::admin::{assets, emoji, sounds};
use crate::rest::people::avatars;

const PICTURES: &[&str] = &[
    "image/svg+xml",
    "image/png",
    "image/jpeg",
    "image/gif",
    "image/webp",
];
const SOUNDS: &[&str] = &["audio/mpeg", "audio/ogg", "audio/wav"];

pub(super) fn routes() -> Vec<Route> {
    [avatar_routes(), emoji_routes(), asset_routes()].concat()
}

fn avatar_routes() -> Vec<Route> {
    vec![
        post("users.setAvatar", avatars::set)
            .about("Gives a user a picture: a file in the part `image`, or the address of one in `avatarUrl`.")
            .uploads("image", &["userId", "username"]),
        post("users.resetAvatar", avatars::reset)
            .about("Takes a user's picture away; the letter of the name is shown again.")
            .knows(&[("userId", Kind::Text), ("username", Kind::Text), ("user", Kind::Text)]),
        public(Method::GET, "users.getAvatar", avatars::address)
            .about("Redirects to a user's picture.")
            .knows(&[("userId", Kind::Text), ("username", Kind::Text), ("user", Kind::Text)])
            .redirects(),
        get("users.getAvatarSuggestion", avatars::suggestion)
            .about("Pictures that services the user logs in with would offer.")
            .answers(&[("suggestions", Kind::Object)]),
        public(Method::GET, "/avatar/{name}", avatars::of_user)
            .about("The picture of a user, or the letter of the name.")
            .knows(&[("size", Kind::Number), ("format", Kind::Text), ("cacheTime", Kind::Number)])
            .rate(Rate::Unlimited)
            .sends(PICTURES),
        public(Method::GET, "/avatar/room/{room}", avatars::of_room)
            .about("The picture of a room, or the letter of its name.")
            .knows(&[("size", Kind::Number), ("format", Kind::Text), ("cacheTime", Kind::Number)])
            .rate(Rate::Unlimited)
            .sends(PICTURES),
    ]
}

fn emoji_routes() -> Vec<Route> {
    let manage: &[Permission] = &[Permission::MANAGE_EMOJI];
    vec![
        get("emoji-custom.list", emoji::list)
            .about("Emoji of this workspace: all, or what became of them since a date.")
            .knows(&[("query", Kind::Text), ("updatedSince", Kind::Text)])
            .answers(&[("emojis", Kind::Object)]),
        get("emoji-custom.all", emoji::all)
            .about("Emoji of this workspace, page by page.")
            .knows(&PAGE)
            .answers(&[
                ("emojis", Kind::List),
                ("count", Kind::Number),
                ("offset", Kind::Number),
                ("total", Kind::Number),
            ]),
        post("emoji-custom.create", emoji::create)
            .about("Makes an emoji out of a picture.")
            .needs_or(manage, wording::nothing_said)
            .uploads("emoji", &["name", "aliases"]),
        post("emoji-custom.update", emoji::update)
            .about("Gives an emoji other names or another picture.")
            .needs_or(manage, wording::not_authorized)
            .uploads("emoji", &["_id", "name", "aliases", "newFile"]),
        post("emoji-custom.delete", emoji::delete)
            .about("Removes an emoji.")
            .needs_or(manage, wording::not_authorized)
            .knows(&[("emojiId", Kind::Text)]),
        public(Method::GET, "/emoji-custom/{file}", emoji::file)
            .about("The picture of an emoji.")
            .rate(Rate::Unlimited)
            .sends(PICTURES),
        public(Method::GET, "/emoji-custom/", emoji::no_file)
            .about("Refused: no emoji is named.")
            .rate(Rate::Unlimited)
            .sends(PICTURES),
    ]
}

fn asset_routes() -> Vec<Route> {
    vec![
        get("custom-sounds.list", sounds::list)
            .about("Sounds of this workspace, page by page.")
            .knows(&PAGE)
            .answers(&[
                ("sounds", Kind::List),
                ("count", Kind::Number),
                ("offset", Kind::Number),
                ("total", Kind::Number),
            ]),
        get("custom-sounds.getOne", sounds::one)
            .about("One sound of this workspace.")
            .knows(&[("_id", Kind::Text)])
            .answers(&[("sound", Kind::Object)]),
        post("custom-sounds.create", sounds::create)
            .about("Makes a sound out of a recording.")
            .requires(&[Permission::MANAGE_SOUNDS])
            .uploads("sound", &["name"])
            .answers(&[("sound", Kind::Object)]),
        post("custom-sounds.update", sounds::update)
            .about("Gives a sound another name or another recording.")
            .requires(&[Permission::MANAGE_SOUNDS])
            .uploads("sound", &["_id", "name"])
            .answers(&[("sound", Kind::Object)]),
        post("custom-sounds.delete", sounds::delete)
            .about("Removes a sound.")
            .requires(&[Permission::MANAGE_SOUNDS])
            .knows(&[("_id", Kind::Text)]),
        public(Method::GET, "/custom-sounds/{file}", sounds::file)
            .about("The recording of a sound.")
            .rate(Rate::Unlimited)
            .sends(SOUNDS),
        post("assets.setAsset", assets::set)
            .about("Makes a picture one of the workspace's own; the part is named like the asset.")
            .needs_or(&[Permission::MANAGE_ASSETS], wording::assets_not_allowed)
            .uploads("", &["assetName", "refreshAllClients"]),
        post("assets.unsetAsset", assets::unset)
            .about("Goes back to what an asset is by default.")
            .needs_or(&[Permission::MANAGE_ASSETS], wording::assets_not_allowed)
            .takes(&assets::UNSET),
        public(Method::GET, "/assets/{file}", assets::file)
            .about("One of the workspace's own pictures.")
            .rate(Rate::Unlimited)
            .sends(PICTURES),
    ]
}
