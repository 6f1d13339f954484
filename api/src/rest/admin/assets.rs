//! The workspace's own pictures (contract, admin 12).

use application::admin::assets;
use application::files::pictures::kind::Kind;
use application::files::pictures::{self, mark};
use application::files::stored_files::Folder;
use axum::http::Method;
use bytes::Bytes;
use domain::asset::{self, AssetRule};
use domain::permission::Permission;
use domain::settings;

use crate::errors::{ApiError, wording};
use crate::http::answer::{Answer, Outcome};
use crate::http::call::{Anyone, Call};
use crate::http::media::{self, Media};
use crate::http::parameters::Parameters;
use crate::http::route::{self, Rate, Route};
use crate::http::upload::check_size;

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::post("assets.setAsset", set)
            .about("Makes a picture one of the workspace's own; the part is named like the asset.")
            .needs_or(&[Permission::MANAGE_ASSETS], wording::assets_not_allowed)
            .uploads("", &["assetName", "refreshAllClients"]),
        route::post("assets.unsetAsset", unset)
            .about("Goes back to what an asset is by default.")
            .needs_or(&[Permission::MANAGE_ASSETS], wording::assets_not_allowed),
        route::public(Method::GET, "/assets/{file}", file)
            .about("One of the workspace's own pictures.")
            .rate(Rate::Unlimited)
            .sends(media::PICTURES),
    ]
}

/// Side of the mark if an asset has no size of its own, in pixels.
const SIDE: u32 = 192;

/// How long browsers may keep assets, in seconds: they change seldom, but nobody wants to wait a day for a change.
const KEEP: u64 = 300;

/// `POST /api/v1/assets.setAsset`. The part of the file is named like the asset; newer clients call it `asset` and name
/// the asset in the field `assetName`.
async fn set(call: Call) -> Outcome {
    let upload = call.input.upload(None).await?;
    check_size(&call.state, upload.bytes.len())?;
    let asset = match upload.field("assetName") {
        Some(named) if upload.part == "asset" => named,
        _ => &upload.part,
    };
    assets::set(
        &call.state,
        &call.caller,
        asset,
        &upload.content_type,
        upload.bytes.clone(),
    )
    .await?;
    Ok(Answer::empty())
}

#[derive(Parameters)]
struct Unset {
    asset_name: String,
    _refresh_all_clients: Option<bool>,
}

async fn unset(call: Call, params: Unset) -> Outcome {
    assets::unset(&call.state, &call.caller, &params.asset_name).await?;
    Ok(Answer::empty())
}

async fn file(call: Anyone) -> Outcome {
    let (key, extension) = media::split_name(call.input.path("file"));
    let rule = asset::rule(key).ok_or_else(media::gone)?;
    if !extension.is_empty() && !rule.extensions.contains(&extension) {
        return Ok(media::forbidden());
    }
    let wanted = match extension {
        "png" => Some(Kind::Png),
        "jpg" | "jpeg" => Some(Kind::Jpeg),
        _ => None,
    };
    let media = match call.state.views().asset(key).await? {
        Some(record) => {
            let bytes = Folder::Assets.fetch(&call.state, &record.file).await?;
            let bytes = bytes.ok_or_else(media::gone)?;
            let kind = Kind::of(&bytes);
            let (content_type, bytes, tag) = match wanted {
                Some(wanted) if kind != Some(wanted) => {
                    let tag = format!("{}-{}", record.file.id, wanted.extension());
                    let convert = pictures::convert(bytes, wanted);
                    let picture = pictures::drawn(tag.clone(), convert).await?;
                    let content_type = picture.kind.content_type().to_owned();
                    (content_type, picture.bytes, tag)
                }
                _ => (record.file.content_type, bytes, record.file.id),
            };
            Media {
                content_type,
                bytes,
                tag,
                modified: record.at,
                keep: KEEP,
                keeper: media::Keeper::Anyone,
            }
        }
        None => default(key, &rule, wanted).await?,
    };
    Ok(media.answer(&call.input.headers))
}

/// What an asset is until somebody chooses one: the mark, or nothing.
async fn default(key: &str, rule: &AssetRule, wanted: Option<Kind>) -> Result<Media, ApiError> {
    let definition = settings::find(&asset::setting(key)).ok_or_else(media::gone)?;
    if definition.default.get("defaultUrl").is_none() {
        return Err(media::gone());
    }
    let kind = wanted.unwrap_or(match rule.extensions.first() {
        Some(&"png") => Kind::Png,
        Some(&"ico") => Kind::Ico,
        _ => Kind::Svg,
    });
    let side = if kind == Kind::Ico { 32 } else { SIDE };
    let (width, height) = rule.size.unwrap_or((side, side));
    let tag = format!("mark-{width}-{height}-{}", kind.extension());
    let bytes = if kind == Kind::Svg {
        Bytes::from(mark::svg(width, height))
    } else {
        let draw = pictures::work(move || mark::pixels(width, height, kind));
        pictures::drawn(tag.clone(), draw).await?.bytes
    };
    Ok(Media {
        content_type: kind.content_type().to_owned(),
        bytes,
        tag,
        modified: media::ALWAYS,
        keep: KEEP,
        keeper: media::Keeper::Anyone,
    })
}
