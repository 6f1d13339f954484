//! Uploads: multipart bodies with exactly one file (contract, conventions 1.9).

use std::collections::HashMap;

use axum::http::header;
use bytes::Bytes;
use multer::{Field, Multipart};

use crate::errors::{ApiError, wording};
use crate::http::call::Input;
use crate::state::AppState;

/// Most text fields beside the file, and most bytes of one.
const MOST_FIELDS: usize = 32;
const LONGEST_FIELD: usize = 64 * 1024;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// The name of the part it came in.
    pub part: String,
    /// The sender's name for the file; empty if there is none.
    pub file_name: String,
    /// The sender's media type for the file; empty if there is none.
    pub content_type: String,
    pub bytes: Bytes,
    pub fields: Fields,
}

impl Upload {
    /// A text field that is there and not blank.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.text(name)
    }
}

/// The text fields of a multipart body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(HashMap<String, String>);

impl Fields {
    /// A field that is there and not blank.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .map(String::as_str)
            .filter(|text| !domain::text::is_blank(text))
    }

    /// Whether a field says yes: anything but nothing, `false` and `0`.
    pub fn flag(&self, name: &str) -> bool {
        self.text(name)
            .is_some_and(|text| !matches!(text, "false" | "0" | "undefined" | "null"))
    }
}

/// Refuses a file of so many bytes if that is too large.
pub fn check_size(state: &AppState, length: usize) -> Result<(), ApiError> {
    if length > state.longest_file() {
        Err(wording::file_too_large())
    } else {
        Ok(())
    }
}

impl Input {
    pub fn is_multipart(&self) -> bool {
        self.headers
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|text| multer::parse_boundary(text).is_ok())
    }

    /// The one file of a multipart body, which must come in the part `wanted` where one is named.
    pub async fn upload(&self, wanted: Option<&str>) -> Result<Upload, ApiError> {
        let (fields, upload) = self.form(wanted).await?;
        let upload = upload.ok_or_else(wording::no_file)?;
        Ok(Upload { fields, ..upload })
    }

    /// The text fields of a multipart body, and its file if there is one.
    pub async fn form(&self, wanted: Option<&str>) -> Result<(Fields, Option<Upload>), ApiError> {
        let boundary = self
            .headers
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .and_then(|text| multer::parse_boundary(text).ok())
            .ok_or_else(wording::no_file)?;
        let body = self.body().clone();
        let body = futures::stream::once(async move { Ok::<_, std::convert::Infallible>(body) });
        let mut parts = Multipart::new(body, boundary);
        let mut fields = HashMap::new();
        let mut upload: Option<Upload> = None;
        while let Some(part) = parts.next_field().await.map_err(|error| broken(&error))? {
            if part.file_name().is_none() && part.content_type().is_none() {
                let name = part.name().unwrap_or_default().to_owned();
                let text = part.text().await.map_err(|error| broken(&error))?;
                if fields.len() >= MOST_FIELDS || text.len() > LONGEST_FIELD {
                    return Err(ApiError::TooLarge);
                }
                fields.insert(name, text);
            } else if upload.is_some() {
                return Err(wording::one_file_only());
            } else {
                upload = Some(file(part).await?);
            }
        }
        let misplaced = |upload: &Upload| wanted.is_some_and(|wanted| wanted != upload.part);
        if upload.as_ref().is_some_and(misplaced) {
            return Err(wording::wrong_file_part());
        }
        Ok((Fields(fields), upload))
    }
}

async fn file(part: Field<'_>) -> Result<Upload, ApiError> {
    Ok(Upload {
        part: part.name().unwrap_or_default().to_owned(),
        file_name: part.file_name().unwrap_or_default().to_owned(),
        content_type: part
            .content_type()
            .map(ToString::to_string)
            .unwrap_or_default(),
        bytes: part.bytes().await.map_err(|error| broken(&error))?,
        fields: Fields::default(),
    })
}

fn broken(error: &multer::Error) -> ApiError {
    wording::malformed_body(&error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::client;
    use crate::state::memory_budget::BodyBudget;
    use axum::body::Body;

    async fn read(wanted: Option<&str>, parts: &[&str]) -> Result<Upload, ApiError> {
        let mut body = String::new();
        for part in parts {
            body.push_str("--XX\r\nContent-Disposition: form-data; ");
            body.push_str(part);
            body.push_str("\r\n");
        }
        body.push_str("--XX--\r\n");
        let request = axum::http::Request::post("/")
            .header("content-type", "multipart/form-data; boundary=XX")
            .body(Body::from(body))
            .expect("request");
        let (parts, body) = request.into_parts();
        let share = BodyBudget::new(1).share(true, std::net::IpAddr::from([192, 0, 2, 1]));
        let client = client::of(&parts);
        let input = Input::read(parts, body, client, true, usize::MAX, share)
            .await
            .expect("small body");
        input.upload(wanted).await
    }

    const FILE: &str = "name=\"image\"; filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\nPNG";
    const FIELD: &str = "name=\"userId\"\r\n\r\nada";

    #[tokio::test]
    async fn exactly_one_file_comes_in_the_part_that_is_wanted() {
        let upload = read(Some("image"), &[FIELD, FILE]).await.expect("a file");
        assert_eq!(
            (upload.file_name.as_str(), upload.content_type.as_str()),
            ("a.png", "image/png")
        );
        assert_eq!(&upload.bytes[..], b"PNG");
        assert_eq!(upload.field("userId"), Some("ada"));
        assert_eq!(read(None, &[FIELD]).await, Err(wording::no_file()));
        assert_eq!(
            read(None, &[FILE, FILE]).await,
            Err(wording::one_file_only())
        );
        assert_eq!(
            read(Some("emoji"), &[FILE]).await,
            Err(wording::wrong_file_part())
        );
    }
}
