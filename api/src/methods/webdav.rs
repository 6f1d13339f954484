//! Methods about accounts on WebDAV servers, and the files there (contract, admin 13.1).

use application::error::Error;
use application::files::pictures;
use application::integrations::webdav::{self, Secret};
use application::outside::fetch::FetchError;
use application::outside::webdav::{Credentials, Webdav, WebdavError};
use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use domain::settings::keys;
use domain::text;
use domain::webdav::WebdavRefusal;
use serde_json::{Value, json};

use crate::errors::{ApiError, wording};
use crate::http::params::Params;
use crate::methods::pictures::binary;
use crate::methods::{Method, MethodCall, MethodOutcome, method};

/// The folder that files are uploaded to.
const UPLOADS: &str = "Chat Uploads";

/// Side of a preview, in pixels.
const PREVIEW: u32 = 64;

/// The longest name of a file, in bytes.
const LONGEST_NAME: usize = 255;

pub(super) fn methods() -> Vec<Method> {
    vec![
        method("addWebdavAccount", add),
        method("addWebdavAccountByToken", add_by_token),
        method("removeWebdavAccount", remove),
        method("getWebdavFileList", list),
        method("getFileFromWebdav", read),
        method("getWebdavFilePreview", preview),
        method("uploadFileToWebdav", upload).with_documents(),
    ]
}

/// `addWebdavAccount({serverURL, username, password, name})`.
async fn add(call: MethodCall) -> MethodOutcome {
    let params = Params::from(call.args.object(0)?.clone());
    let secret = Secret::Password(params.required("username")?, params.required("password")?);
    keep(&call, &params, secret, "addWebdavAccount").await
}

/// `addWebdavAccountByToken({serverURL, token, name})`.
async fn add_by_token(call: MethodCall) -> MethodOutcome {
    let params = Params::from(call.args.object(0)?.clone());
    // The token comes as a text, or as the response of an authorisation server.
    let token = match params.get("token") {
        Some(Value::String(token)) => token.clone(),
        Some(token @ Value::Object(_)) => token.to_string(),
        _ => return Err(wording::match_missing("token")),
    };
    keep(
        &call,
        &params,
        Secret::Token(&token),
        "addWebdavAccountByToken",
    )
    .await
}

/// Keeps a new account, if its server lets us in.
async fn keep(
    call: &MethodCall,
    params: &Params,
    secret: Secret<'_>,
    method: &str,
) -> MethodOutcome {
    must_be_on(call, method)?;
    let (url, name) = (params.required("serverURL")?, params.filled("name")?);
    webdav::must_be_new(&call.state, &call.caller, url, secret).await?;
    let credentials = match secret {
        Secret::Password(username, password) => Credentials::Password(username, password),
        Secret::Token(token) => Credentials::Token(token),
    };
    Webdav::new(call.state.fetcher(), url, credentials)
        .map_err(|error| failure(&error, method))?
        .check()
        .await
        .map_err(|error| failure(&error, method))?;
    webdav::add(&call.state, &call.caller, url, name, secret).await?;
    Ok(json!(true))
}

/// `removeWebdavAccount(id)`.
async fn remove(call: MethodCall) -> MethodOutcome {
    webdav::remove(&call.state, &call.caller, call.args.text(0)?).await?;
    Ok(json!(true))
}

fn must_be_on(call: &MethodCall, method: &str) -> Result<(), ApiError> {
    let settings = call.state.views().settings();
    if settings.bool(keys::WEBDAV_INTEGRATION_ENABLED) {
        Ok(())
    } else {
        Err(wording::webdav_disabled(method))
    }
}

/// The account that the first parameter names.
async fn account<'a>(call: &'a MethodCall, method: &str) -> Result<Webdav<'a>, ApiError> {
    must_be_on(call, method)?;
    let opened = webdav::open(&call.state, &call.caller, call.args.text(0)?).await;
    let (url, secret) = opened.map_err(|error| match error {
        Error::Webdav(WebdavRefusal::NotFound) => wording::webdav_account_unknown(method),
        error => error.into(),
    })?;
    let credentials = match &secret {
        webdav::OwnSecret::Password(username, password) => {
            Credentials::Password(username, password)
        }
        webdav::OwnSecret::Token(token) => Credentials::Token(token),
    };
    Webdav::new(call.state.fetcher(), &url, credentials).map_err(|error| failure(&error, method))
}

fn failure(error: &WebdavError, method: &str) -> ApiError {
    tracing::debug!(%error, method, "a WebDAV server was of no use");
    match error {
        WebdavError::Fetch(FetchError::TooLarge) => wording::webdav_file_too_large(method),
        _ => wording::webdav_inaccessible(method),
    }
}

/// `getWebdavFileList(account, folder)`.
async fn list(call: MethodCall) -> MethodOutcome {
    const METHOD: &str = "getWebdavFileList";
    let folder = call.args.text(1)?;
    let entries = account(&call, METHOD).await?.list(folder).await;
    let entries = entries.map_err(|error| failure(&error, METHOD))?;
    Ok(json!({ "success": true, "data": entries }))
}

/// `getFileFromWebdav(account, file)`; the file is its entry in a listing, or its path.
async fn read(call: MethodCall) -> MethodOutcome {
    let bytes = bytes_of(&call, "getFileFromWebdav").await?;
    Ok(json!({ "success": true, "data": { "$binary": STANDARD.encode(bytes) } }))
}

async fn bytes_of(call: &MethodCall, method: &str) -> Result<Bytes, ApiError> {
    let file = match call.args.get(1) {
        Value::Object(entry) => entry.get("filename").and_then(Value::as_str),
        _ => Some(call.args.text(1)?),
    };
    let file = file.ok_or_else(|| wording::match_missing("filename"))?;
    let account = account(call, method).await?;
    let read = account.read(file, call.state.longest_file()).await;
    read.map_err(|error| failure(&error, method))
}

/// `getWebdavFilePreview(account, file)`: a small version of a picture. Other files have none.
async fn preview(call: MethodCall) -> MethodOutcome {
    const METHOD: &str = "getWebdavFilePreview";
    let bytes = bytes_of(&call, METHOD).await?;
    let small = pictures::avatar(bytes, Some(PREVIEW)).await;
    let small = small.map_err(|_| wording::webdav_no_preview(METHOD))?;
    Ok(json!({ "success": true, "data": { "$binary": STANDARD.encode(&small.bytes) } }))
}

/// `uploadFileToWebdav(account, bytes, name)`: into a folder of its own. The result tells what the server has against
/// the file, so that people can choose another name.
async fn upload(call: MethodCall) -> MethodOutcome {
    const METHOD: &str = "uploadFileToWebdav";
    let bytes = content(call.args.get(1)).ok_or_else(|| wording::match_missing("fileData"))?;
    let name = call.args.text(2)?;
    if !is_file_name(name) {
        return Err(wording::webdav_file_name(METHOD));
    }
    if bytes.len() > call.state.longest_file() {
        return Err(wording::webdav_file_too_large(METHOD));
    }
    let account = account(&call, METHOD).await?;
    let written = async {
        account.make_folder(UPLOADS).await?;
        let path = format!("{UPLOADS}/{name}");
        account.write_new(&path, bytes).await
    };
    let refused = |message: &str| Ok(json!({ "success": false, "message": message }));
    match written.await {
        Ok(()) => Ok(json!({ "success": true })),
        Err(WebdavError::Status(StatusCode::NOT_FOUND)) => refused("webdav-server-not-found"),
        Err(WebdavError::Status(StatusCode::UNAUTHORIZED)) => refused("error-invalid-account"),
        Err(WebdavError::Status(StatusCode::PRECONDITION_FAILED)) => {
            refused("Duplicate_file_name_found")
        }
        Err(error) => Err(failure(&error, METHOD)),
    }
}

/// Bytes in EJSON, or as a "binary string".
fn content(value: &Value) -> Option<Bytes> {
    match value {
        Value::String(text) => binary(text),
        Value::Object(object) => {
            let bytes = STANDARD.decode(object.get("$binary")?.as_str()?).ok()?;
            Some(bytes.into())
        }
        _ => None,
    }
}

/// Whether this can be the name of a file, which is then in its folder.
fn is_file_name(name: &str) -> bool {
    !text::is_blank(name)
        && !matches!(text::trim(name), "." | "..")
        && name.len() <= LONGEST_NAME
        && !name
            .chars()
            .any(|letter| letter.is_control() || matches!(letter, '/' | '\\'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_stay_in_their_folder() {
        for name in ["a.txt", "über uns.pdf", "..a", "50%.png"] {
            assert!(is_file_name(name), "{name}");
        }
        for name in ["", " ", ".", "..", "a/b", "..\\b", "a\nb"] {
            assert!(!is_file_name(name), "{name:?}");
        }
        assert!(!is_file_name(&"x".repeat(LONGEST_NAME + 1)));
    }

    #[test]
    fn bytes_come_in_two_forms() {
        assert_eq!(
            content(&json!({"$binary": "AQI="})),
            Some(Bytes::from_static(&[1, 2]))
        );
        assert_eq!(
            content(&json!("\u{1}\u{2}")),
            Some(Bytes::from_static(&[1, 2]))
        );
        for none in [json!(null), json!({"$binary": "#"}), json!({}), json!("€")] {
            assert_eq!(content(&none), None, "{none}");
        }
    }
}
