//! Licences, the cloud and banners, as a community server answers (contract, admin 8 and 9): there is no licence, and
//! this workspace is not registered anywhere.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::RoleId;
use serde_json::{Value, json};

use super::answer::{Answer, Outcome};
use crate::error::texts;
use crate::extract::{Anyone, Call};

/// Platforms that show banners.
const PLATFORMS: [&str; 2] = ["web", "mobile"];

/// `GET /api/v1/licenses.get`.
pub async fn licenses(_: Call) -> Outcome {
    Ok(Answer::empty().field("licenses", &json!([])))
}

/// `POST /api/v1/licenses.add`. A licence has the form of one or is refused; none of them changes what this server does.
pub async fn add_license(call: Call) -> Outcome {
    let params = call.input.params()?;
    let license = params.required("license")?.trim();
    // A signed text, or an encrypted block in base64.
    let block = license.len() >= 64 && license.len() % 4 == 0 && STANDARD.decode(license).is_ok();
    let signed = license.split('.').count() == 3 && license.starts_with("RCV3_");
    if block || signed {
        Ok(Answer::empty())
    } else {
        Err(texts::invalid_license())
    }
}

/// `GET /api/v1/licenses.maxActiveUsers`.
pub async fn max_active_users(call: Call) -> Outcome {
    let query = projections::UserQuery {
        active: Some(true),
        slice: projections::Slice {
            offset: 0,
            count: Some(1),
        },
        ..projections::UserQuery::default()
    };
    let active = call.state.views().users(query).await?.total;
    Ok(Answer::empty()
        .field("maxActiveUsers", &Value::Null)
        .field("activeUsers", &active))
}

/// `GET /api/v1/licenses.isEnterprise`.
pub async fn is_enterprise(_: Anyone) -> Outcome {
    Ok(Answer::empty().field("isEnterprise", &false))
}

/// `GET /api/v1/licenses.info`.
pub async fn license_info(_: Call) -> Outcome {
    Ok(Answer::empty().field(
        "license",
        &json!({
            "activeModules": [], "externalModules": [], "preventedActions": {}, "limits": {}, "tags": [],
            "trial": false,
        }),
    ))
}

/// `GET /api/v1/cloud.registrationStatus`; for administrators.
pub async fn registration_status(call: Call) -> Outcome {
    if !call.caller.roles().contains(&RoleId::new("admin")) {
        return Err(texts::forbidden());
    }
    let settings = call.state.views().settings();
    let email = match settings.text("Organization_Email") {
        "" => first_address(&call).await?,
        address => address.to_owned(),
    };
    Ok(Answer::empty().field(
        "registrationStatus",
        &json!({
            "connectToCloud": settings.bool("Register_Server"), "workspaceRegistered": false,
            "workspaceId": "", "uniqueId": settings.text("uniqueID"), "token": "", "email": email,
        }),
    ))
}

/// The first address of the oldest account that has one.
async fn first_address(call: &Call) -> Result<String, crate::error::ApiError> {
    let query = projections::UserQuery {
        sort: projections::UserSort::CreatedAt,
        slice: projections::Slice {
            offset: 0,
            count: Some(20),
        },
        ..projections::UserQuery::default()
    };
    let oldest = call.state.views().users(query).await?;
    Ok(oldest
        .items
        .iter()
        .filter_map(|doc| serde_json::from_slice::<Value>(doc).ok())
        .find_map(|doc| Some(doc["emails"][0]["address"].as_str()?.to_owned()))
        .unwrap_or_default())
}

/// `POST /api/v1/cloud.manualRegister`: there is no cloud this server would register with.
pub async fn manual_register(call: Call) -> Outcome {
    call.input.params()?.required("cloudBlob")?;
    Err(texts::no_cloud())
}

/// `POST /api/v1/cloud.createRegistrationIntent`.
pub async fn registration_intent(_: Call) -> Outcome {
    Err(texts::invalid_cloud_query())
}

/// `GET /api/v1/cloud.confirmationPoll`.
pub async fn confirmation_poll(_: Call) -> Outcome {
    Err(texts::invalid_cloud_query())
}

/// `GET /api/v1/banners`, `banners.getNew` and `banners/{id}`: a community server has nothing to announce.
pub async fn banners(call: Call) -> Outcome {
    let params = call.input.query();
    let platform = params.required("platform")?;
    if !PLATFORMS.contains(&platform) {
        return Err(texts::match_error(
            &"Expected one of web, mobile in field platform",
        ));
    }
    Ok(Answer::empty().field("banners", &json!([])))
}

/// `POST /api/v1/banners.dismiss`.
pub async fn dismiss_banner(call: Call) -> Outcome {
    call.input.params()?.required("bannerId")?;
    Err(texts::banner_not_found())
}
