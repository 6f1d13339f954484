//! Custom emoji (contract, admin 11.1).

use application::admin::emoji::{self, Names};
use application::error::Error;
use application::files::pictures::kind::Kind as PictureKind;
use application::files::pictures::{PictureError, letters};
use application::files::stored_files::Folder;
use axum::http::Method;
use bytes::Bytes;
use domain::emoji::EmojiRefusal;
use domain::permission::Permission;
use serde_json::{Value, json};

use crate::errors::{ApiError, wording};
use crate::http::answer::{Answer, Outcome};
use crate::http::call::{Anyone, Call, FromInput as _};
use crate::http::media::{self, Media};
use crate::http::page::{Page, cut, filter_rows};
use crate::http::parameters::{Date, Filled, Loose, Param, Parameters};
use crate::http::route::{self, Rate, Route, paged};
use crate::http::schema::Kind;
use crate::http::upload::check_size;
use crate::rest::people::avatars::tag;

pub(super) fn routes() -> Vec<Route> {
    const MANAGE: &[Permission] = &[Permission::MANAGE_EMOJI];
    vec![
        route::get("emoji-custom.list", list)
            .about("Emoji of this workspace: all, or what became of them since a date.")
            .answers(&[("emojis", Kind::Object)]),
        route::get("emoji-custom.all", all)
            .about("Emoji of this workspace, page by page.")
            .answers(paged!("emojis")),
        route::post("emoji-custom.create", create)
            .about("Makes an emoji out of a picture.")
            .needs_or(MANAGE, wording::nothing_said)
            .uploads("emoji", &["name", "aliases"]),
        route::post("emoji-custom.update", update)
            .about("Gives an emoji other names or another picture.")
            .needs_or(MANAGE, wording::not_authorized)
            .uploads("emoji", &["_id", "name", "aliases", "newFile"]),
        route::post("emoji-custom.delete", delete)
            .about("Removes an emoji.")
            .needs_or(MANAGE, wording::not_authorized),
        route::public(Method::GET, "/emoji-custom/{file}", file)
            .about("The picture of an emoji.")
            .rate(Rate::Unlimited)
            .sends(media::PICTURES),
        route::public(Method::GET, "/emoji-custom/", no_file)
            .about("Refused: no emoji is named.")
            .rate(Rate::Unlimited)
            .sends(media::PICTURES),
    ]
}

#[derive(Parameters)]
#[params(open)]
struct List {
    /// Mobile clients send it empty at first.
    updated_since: Loose<Date>,
    #[param(flatten)]
    page: Page,
}

async fn list(call: Call, params: List) -> Outcome {
    let page = call.page(&params.page)?;
    let asked = params.updated_since.value;
    let asked = asked.filter(|value| !Filled::is_absent(value));
    let since = call
        .changes_since(Param::read(asked, "updatedSince")?)
        .map_err(|_| wording::invalid_updated_since())?;
    let mut changes = call.state.views().emoji_sync(since).await?;
    if let Some(filter) = &page.query {
        let all = projections::Slice::ALL;
        (changes.update, _) = filter_rows(changes.update, filter, all);
        (changes.remove, _) = filter_rows(changes.remove, filter, all);
    }
    let lists = json!({
        "update": values(&page.project(changes.update)),
        "remove": values(&page.project(changes.remove)),
    });
    Ok(Answer::empty().field("emojis", &lists))
}

fn values(docs: &[Bytes]) -> Vec<Value> {
    docs.iter()
        .filter_map(|doc| serde_json::from_slice(doc).ok())
        .collect()
}

#[derive(Parameters)]
#[params(open)]
pub struct Wanted {
    /// Those whose name contains it.
    name: Option<Filled>,
    #[param(flatten)]
    page: Page,
}

async fn all(call: Call, wanted: Wanted) -> Outcome {
    let docs = call.state.views().emoji_sync(None).await?.update;
    part(&call, &wanted, docs, "emojis")
}

/// Whether the name in a document contains `part`, ignoring case.
fn named(doc: &[u8], part: &str) -> bool {
    serde_json::from_slice::<Value>(doc).is_ok_and(|doc| {
        doc["name"]
            .as_str()
            .is_some_and(|name| name.to_lowercase().contains(&part.to_lowercase()))
    })
}

/// The requested part of the documents, in the order of their names.
pub fn part(call: &Call, wanted: &Wanted, mut docs: Vec<Bytes>, field: &str) -> Outcome {
    let page = call.page(&wanted.page)?;
    if let Some(name) = &wanted.name {
        docs.retain(|doc| named(doc, name));
    }
    if page.sorted_by("name") == Some(true) {
        docs.reverse();
    }
    let (docs, total) = if let Some(filter) = &page.query {
        filter_rows(docs, filter, page.slice)
    } else {
        let total = docs.len() as u64;
        (cut(docs, page.slice), total)
    };
    let docs = page.project(docs);
    Ok(Answer::empty()
        .raw_list(field, &docs)
        .field("count", &docs.len())
        .field("offset", &page.slice.offset)
        .field("total", &total))
}

/// `POST /api/v1/emoji-custom.create`. The only reason for a failure that is told: the file is no picture.
pub async fn create(call: Call) -> Outcome {
    let upload = call.input.upload(Some("emoji")).await?;
    let names = Names {
        name: upload.field("name").unwrap_or_default(),
        aliases: upload.field("aliases").unwrap_or_default(),
    };
    if !upload.content_type.is_empty() && !upload.content_type.starts_with("image/") {
        return Err(wording::emoji_is_not_image());
    }
    if check_size(&call.state, upload.bytes.len()).is_err() {
        return Err(wording::nothing_said());
    }
    match emoji::create(&call.state, &call.caller, names, Ok(upload.bytes.clone())).await {
        Ok(_) => Ok(Answer::empty()),
        Err(Error::Picture(PictureError::Unreadable)) => Err(wording::emoji_is_not_image()),
        Err(error) if error.is_refusal() => Err(wording::nothing_said()),
        Err(error) => Err(error.into()),
    }
}

pub async fn update(mut call: Call) -> Outcome {
    if !call.input.is_multipart() {
        let wish = Rename::from_input(&mut call.input)?;
        return rename(&call, wish).await;
    }
    let (fields, upload) = call.input.form(Some("emoji")).await?;
    let id = fields.text("_id").ok_or_else(wording::emoji_id_missing)?;
    let names = Names {
        name: fields.text("name").unwrap_or_default(),
        aliases: fields.text("aliases").unwrap_or_default(),
    };
    let upload = upload.filter(|_| fields.flag("newFile"));
    if let Some(upload) = &upload {
        if !upload.content_type.is_empty() && !upload.content_type.starts_with("image/") {
            return Err(wording::emoji_is_not_image());
        }
        check_size(&call.state, upload.bytes.len())?;
    }
    let picture = upload.map(|upload| upload.bytes);
    let outcome = emoji::update(&call.state, &call.caller, id, Some(names), picture).await;
    outcome.map_err(in_words_of_update)?;
    Ok(Answer::empty())
}

/// What newer clients send if the picture stays.
#[derive(Parameters)]
#[params(open)]
struct Rename {
    #[param(name = "_id")]
    id: Option<Filled>,
    name: Option<String>,
    aliases: Option<String>,
}

async fn rename(call: &Call, wish: Rename) -> Outcome {
    let id = &*wish.id.ok_or_else(wording::emoji_id_missing)?;
    let names = Names {
        name: wish.name.as_deref().unwrap_or_default(),
        aliases: wish.aliases.as_deref().unwrap_or_default(),
    };
    let outcome = emoji::update(&call.state, &call.caller, id, Some(names), None).await;
    outcome.map_err(in_words_of_update)?;
    Ok(Answer::empty())
}

fn in_words_of_update(error: Error) -> ApiError {
    match error {
        Error::Emoji(EmojiRefusal::NotFound) => wording::emoji_not_found(),
        Error::Picture(PictureError::Unreadable) => wording::emoji_is_not_image(),
        error => error.into(),
    }
}

#[derive(Parameters)]
#[params(open)]
struct Delete {
    emoji_id: Option<Filled>,
}

async fn delete(call: Call, Delete { emoji_id }: Delete) -> Outcome {
    let id = emoji_id.ok_or_else(wording::emoji_to_delete_missing)?;
    emoji::delete(&call.state, &call.caller, &id).await?;
    Ok(Answer::empty())
}

/// `GET /emoji-custom/<name>.<extension>`. An unknown emoji is a question mark.
async fn file(call: Anyone) -> Outcome {
    let (name, _) = media::split_name(call.input.path("file"));
    if name.is_empty() {
        return Ok(media::forbidden());
    }
    if let Some(record) = call.state.views().emoji_file(name).await?
        && let Some(bytes) = Folder::Emoji.fetch(&call.state, &record.file).await?
    {
        let media = Media {
            content_type: record.file.content_type,
            bytes,
            tag: record.file.id,
            modified: record.at,
            keep: 0,
            keeper: media::Keeper::Anyone,
        };
        return Ok(media.answer(&call.input.headers));
    }
    let letter = letters::of("?");
    let media = Media {
        content_type: PictureKind::Svg.content_type().to_owned(),
        bytes: Bytes::from(letter.svg(letters::SIDE)),
        tag: tag(letter, letters::SIDE, PictureKind::Svg),
        modified: media::ALWAYS,
        keep: 0,
        keeper: media::Keeper::Anyone,
    };
    Ok(media.answer(&call.input.headers))
}

/// `GET /emoji-custom/`: no emoji is named.
async fn no_file(_: Anyone) -> Result<Answer, ApiError> {
    Ok(media::forbidden())
}
