//! Sounds that people uploaded (contract, admin 11.2). They are changed by methods.

use super::answer::{Answer, Outcome};
use super::emoji_custom::{named, part};
use super::media::{self, Media};
use crate::commands::shelves::Shelf;
use crate::error::texts;
use crate::extract::{Anyone, Call};

/// `GET /api/v1/custom-sounds.list`.
pub async fn list(call: Call) -> Outcome {
    let params = call.input.query();
    let page = call.page(&params)?;
    let mut docs = call.state.views().sounds().await?;
    if let Some(name) = params.filled("name")? {
        docs.retain(|doc| named(doc, name));
    }
    Ok(part(&page, docs, "sounds"))
}

/// `GET /api/v1/custom-sounds.getOne` (newer than the contract; as publicly documented).
pub async fn one(call: Call) -> Outcome {
    let params = call.input.query();
    let id = params.required("_id")?;
    let docs = call.state.views().sounds().await?;
    let sound = docs
        .iter()
        .filter_map(|doc| serde_json::from_slice::<serde_json::Value>(doc).ok())
        .find(|doc| doc["_id"] == id)
        .ok_or_else(texts::sound_not_found)?;
    Ok(Answer::empty().field("sound", &sound))
}

/// `GET /custom-sounds/<id>.<extension>`.
pub async fn file(call: Anyone) -> Outcome {
    let (id, _) = media::split_name(call.input.path("file"));
    let record = call.state.views().sound_file(id).await?;
    let record = record.ok_or_else(media::gone)?;
    let bytes = Shelf::Sounds.fetch(&call.state, &record.file).await?;
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
