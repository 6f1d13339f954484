//! Uploaded sounds (contract, admin 11.2).

use application::admin::sounds::{self, Recording};
use application::files::stored_files::Folder;
use axum::http::Method;
use domain::permission::Permission;
use serde_json::Value;

use crate::errors::{ApiError, wording};
use crate::http::answer::{Answer, Outcome};
use crate::http::call::{Anyone, Call};
use crate::http::media::{self, Media};
use crate::http::parameters::Parameters;
use crate::http::route::{self, Rate, Route, paged};
use crate::http::schema::Kind;
use crate::http::upload::Upload;
use crate::http::upload::check_size;
use crate::rest::admin::emoji::{Wanted, part};

const SOUNDS: &[&str] = &["audio/mpeg", "audio/ogg", "audio/wav"];

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::get("custom-sounds.list", list)
            .about("Sounds of this workspace, page by page.")
            .answers(paged!("sounds")),
        route::get("custom-sounds.getOne", one)
            .about("One sound of this workspace.")
            .answers(&[("sound", Kind::Object)]),
        route::post("custom-sounds.create", create)
            .about("Makes a sound out of a recording.")
            .requires(&[Permission::MANAGE_SOUNDS])
            .uploads("sound", &["name"])
            .answers(&[("sound", Kind::Object)]),
        route::post("custom-sounds.update", update)
            .about("Gives a sound another name or another recording.")
            .requires(&[Permission::MANAGE_SOUNDS])
            .uploads("sound", &["_id", "name"])
            .answers(&[("sound", Kind::Object)]),
        route::post("custom-sounds.delete", delete)
            .about("Removes a sound.")
            .requires(&[Permission::MANAGE_SOUNDS]),
        route::public(Method::GET, "/custom-sounds/{file}", file)
            .about("The recording of a sound.")
            .rate(Rate::Unlimited)
            .sends(SOUNDS),
    ]
}

async fn list(call: Call, wanted: Wanted) -> Outcome {
    let docs = call.state.views().sounds().await?;
    part(&call, &wanted, docs, "sounds")
}

#[derive(Parameters)]
#[params(open)]
struct Named {
    #[param(name = "_id")]
    id: String,
}

/// `GET /api/v1/custom-sounds.getOne` (newer than the contract; as publicly documented).
async fn one(call: Call, Named { id }: Named) -> Outcome {
    let sound = document(&call, &id).await?;
    Ok(Answer::empty().field("sound", &sound))
}

async fn document(call: &Call, id: &str) -> Result<Value, ApiError> {
    let docs = call.state.views().sounds().await?;
    docs.iter()
        .filter_map(|doc| serde_json::from_slice::<Value>(doc).ok())
        .find(|doc| doc["_id"] == id)
        .ok_or_else(wording::sound_not_found)
}

/// An uploaded recording. The extension of its file name decides, or else its media type.
fn recording(call: &Call, upload: Upload) -> Result<Recording, ApiError> {
    check_size(&call.state, upload.bytes.len())?;
    if upload.bytes.is_empty() {
        return Err(wording::invalid_custom_sound());
    }
    let extension = match upload.file_name.rsplit_once('.') {
        Some((_, extension)) => extension.to_owned(),
        None => match upload.content_type.as_str() {
            "audio/ogg" => "ogg",
            "audio/wav" | "audio/x-wav" | "audio/wave" => "wav",
            "audio/mpeg" | "audio/mp3" => "mp3",
            other => other,
        }
        .to_owned(),
    };
    Ok(Recording {
        extension,
        bytes: upload.bytes,
    })
}

pub async fn create(call: Call) -> Outcome {
    let (fields, upload) = call.input.form(Some("sound")).await?;
    let recording = recording(&call, upload.ok_or_else(wording::no_file)?)?;
    let name = fields.text("name").unwrap_or_default();
    let id = sounds::upload(&call.state, &call.caller, name, recording).await?;
    Ok(Answer::empty().field("sound", &document(&call, &id).await?))
}

/// `POST /api/v1/custom-sounds.update`: another name, or another recording, or both.
pub async fn update(call: Call) -> Outcome {
    let (fields, upload) = call.input.form(Some("sound")).await?;
    let id = fields
        .text("_id")
        .ok_or_else(|| wording::match_missing("_id"))?;
    let recording = upload.map(|upload| recording(&call, upload)).transpose()?;
    sounds::update(
        &call.state,
        &call.caller,
        id,
        fields.text("name"),
        recording,
    )
    .await?;
    Ok(Answer::empty().field("sound", &document(&call, id).await?))
}

async fn delete(call: Call, Named { id }: Named) -> Outcome {
    sounds::delete(&call.state, &call.caller, &id).await?;
    Ok(Answer::empty())
}

async fn file(call: Anyone) -> Outcome {
    let (id, _) = media::split_name(call.input.path("file"));
    let record = call.state.views().sound_file(id).await?;
    let record = record.ok_or_else(media::gone)?;
    let bytes = Folder::Sounds.fetch(&call.state, &record.file).await?;
    let media = Media {
        content_type: record.file.content_type,
        bytes: bytes.ok_or_else(media::gone)?,
        tag: record.file.id,
        modified: record.at,
        keep: 0,
        keeper: media::Keeper::Anyone,
    };
    Ok(media.answer(&call.input.headers))
}
