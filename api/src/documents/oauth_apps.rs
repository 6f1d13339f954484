//! Programs that let people log in with their account here, as administrators see them (contract, admin 5.2).

use application::dates::iso;
use application::integrations::oauth;
use projections::OAuthAppRecord;
use serde_json::{Value, json};

use crate::documents::users::author;
use crate::errors::{ApiError, wording};
use crate::state::AppState;

/// The wire document of an app, with its secret.
pub async fn document(state: &AppState, app: &OAuthAppRecord) -> Result<Value, ApiError> {
    let mut document = json!({
        "_id": app.id,
        "name": app.properties.name,
        "active": app.properties.active,
        "clientId": app.client_id,
        "clientSecret": oauth::secret(state, app),
        "redirectUri": app.properties.redirect_uris,
        "_createdAt": iso(app.created.0),
        "_createdBy": author(state, &app.created.1).await?,
    });
    if let Some((at, by)) = &app.updated {
        document["_updatedAt"] = json!(iso(*at));
        document["_updatedBy"] = author(state, by).await?;
    }
    Ok(document)
}

/// The document of the app with that id.
pub async fn stored(state: &AppState, id: &str) -> Result<Value, ApiError> {
    match state.views().oauth_app(id).await? {
        Some(app) => document(state, &app).await,
        None => Err(wording::oauth_app_not_found()),
    }
}
