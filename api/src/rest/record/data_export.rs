//! Copies of one's own data (contract, conventions 7.2 `users.requestDataDownload`), and giving copies to whoever asked for
//! them.

use application::caller::Caller;
use application::dates::iso;
use application::record::data_exports::{self, archive_key, file_key};
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, header};
use domain::settings::keys;
use domain::site::Site;
use projections::{DataExportRecord, DataExportStatus};
use serde_json::{Map, Value, json};

use crate::errors::{ApiError, wording};
use crate::http::answer::{Answer, Outcome};
use crate::http::call::{Anyone, Call};
use crate::http::parameters::{Loose, Parameters};
use crate::http::route::{self, Route};
use crate::http::schema::Kind;
use crate::state::AppState;

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::get("users.requestDataDownload", request)
            .about("Asks for a copy of the caller's own data.")
            .answers(&[
                ("requested", Kind::Boolean),
                ("exportOperation", Kind::Object),
            ]),
        // A browser follows the link of a mail, and cannot send the headers of the API.
        route::public(Method::GET, "/data-export/{id}", download).about(
            "Gives a copy of their data, or of what was said in a room, to whoever asked for it.",
        ),
    ]
}

#[derive(Parameters)]
struct Request {
    full_export: Option<bool>,
}

async fn request(call: Call, params: Request) -> Outcome {
    if !call
        .state
        .views()
        .settings()
        .bool(keys::USER_DATA_ENABLE_DOWNLOAD)
    {
        return Err(wording::data_download_disabled());
    }
    let id = call.caller.id();
    let full = params.full_export.unwrap_or_default();
    let requested = data_exports::request(&call.state, id, full).await?;
    let last = call.state.views().last_data_export(id).await?;
    let last = last.ok_or(ApiError::Unavailable)?;
    Ok(Answer::empty()
        .field("requested", &requested)
        .field("exportOperation", &operation(&call.state, &last)))
}

fn operation(state: &AppState, export: &DataExportRecord) -> Map<String, Value> {
    let status = match export.status {
        DataExportStatus::Pending => "pending",
        DataExportStatus::Completed => "completed",
        DataExportStatus::Failed => "skipped",
    };
    let mut operation = Map::new();
    let mut tell = |field: &str, value: Value| operation.insert(field.to_owned(), value);
    tell("_id", json!(export.id));
    tell("userId", json!(export.user));
    tell("status", json!(status));
    tell("fullExport", json!(export.full));
    tell("createdAt", json!(iso(export.requested_at)));
    if let Some(at) = export.settled_at {
        tell("completedAt", json!(iso(at)));
    }
    if let Some(size) = export.size {
        tell("fileId", json!(export.id));
        tell("size", json!(size));
        let url = Site::of(&state.views().settings()).at(&format!("/data-export/{}", export.id));
        tell("url", json!(url));
    }
    operation
}

/// Credentials, for what is not found here in the cookies of the same names (contract, conventions 2).
#[derive(Parameters)]
#[params(open)]
struct Proof {
    #[param(name = "rc_uid")]
    user_id: Loose<String>,
    #[param(name = "rc_token")]
    token: Loose<String>,
}

/// `GET /data-export/<id>`: the copy itself, for whoever asked for it. Browsers send their credentials in the query string or in
/// cookies, because they follow a link in a mail.
async fn download(call: Anyone, proof: Proof) -> Outcome {
    let caller = match call.caller {
        Some(caller) => Some(caller),
        None => from_link(&call.state, &call.input.headers, proof).await?,
    };
    let caller = caller.ok_or_else(wording::forbidden)?;
    let settings = call.state.views().settings();
    if !settings.bool(keys::USER_DATA_ENABLE_DOWNLOAD) {
        return Err(wording::forbidden());
    }
    let id = call.input.path("id");
    let export = call.state.views().data_export(id).await?;
    // Nobody learns of the copies of others.
    let export = export
        .filter(|export| export.user == *caller.id())
        .ok_or_else(wording::forbidden)?;
    if export.status != DataExportStatus::Completed {
        return Err(wording::not_found());
    }
    let (key, content_type, name) = match &export.room {
        None => (
            file_key(&export.user, &export.id),
            "application/json",
            format!("data-{}.json", export.id),
        ),
        Some(_) => (
            archive_key(&export.user, &export.id),
            "application/zip",
            format!("room-{}.zip", export.id),
        ),
    };
    let file = call.state.files().stream(&key).await;
    let file = file.map_err(|error| {
        tracing::error!(%error, export = export.id, "a copy of data cannot be read");
        ApiError::Unavailable
    })?;
    let (size, pieces) = file.ok_or_else(wording::not_found)?;
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CONTENT_LENGTH, size.into());
    let name = format!("attachment; filename=\"{name}\"");
    if let Ok(name) = HeaderValue::from_str(&name) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(Answer::other((headers, Body::from_stream(pieces))))
}

/// The caller that the query string or the cookies prove.
async fn from_link(
    state: &AppState,
    headers: &HeaderMap,
    proof: Proof,
) -> Result<Option<Caller>, ApiError> {
    let cookie = |name: &str| -> Option<String> {
        let cookies = headers.get(header::COOKIE)?.to_str().ok()?;
        cookies.split(';').find_map(|pair| {
            let (key, value) = pair.trim_ascii().split_once('=')?;
            (key == name).then(|| value.to_owned())
        })
    };
    let named = |sent: Loose<String>, name| match sent.value {
        Some(Value::String(text)) => Some(text),
        _ => cookie(name),
    };
    match (
        named(proof.user_id, "rc_uid"),
        named(proof.token, "rc_token"),
    ) {
        (Some(id), Some(token)) => Ok(Caller::from_token(state, &id, &token).await?),
        _ => Ok(None),
    }
}
