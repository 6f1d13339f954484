//! A device as it registers for push messages, through either door (contract, admin 10.1).

use application::integrations::push::Device;
use domain::push::Platform;

use crate::errors::{ApiError, wording};
use crate::http::parameters::{Loose, Parameters};

/// The most characters of an id, of an address and of the name of an app.
const LIMITS: (usize, usize, usize) = (100, 4096, 200);

#[derive(Parameters)]
#[params(open)]
pub struct Register {
    id: Loose<String>,
    #[param(name = "type")]
    platform: Loose<String>,
    value: Loose<String>,
    app_name: Loose<String>,
    voip_token: Loose<String>,
}

/// What is valid of it.
pub struct Registration {
    id: Option<String>,
    platform: Platform,
    address: String,
    app_name: String,
}

impl Register {
    pub fn registration(&self) -> Result<Registration, ApiError> {
        let text = |sent: &Loose<String>, limit: usize| {
            let text = sent.text().filter(|text| fits(text, limit));
            text.map(str::to_owned)
        };
        let id = text(&self.id, LIMITS.0);
        if id.is_none() && self.id.value.is_some() {
            return Err(wording::push_param("id", "id"));
        }
        // Calls are not pushed, so this token is not kept; it belongs to a device all the same.
        let voip_token = id.as_ref().and(text(&self.voip_token, LIMITS.1));
        if voip_token.is_none() && self.voip_token.value.is_some() {
            return Err(wording::push_param("voipToken", "voipToken"));
        }
        let platform = self.platform.text().and_then(Platform::find);
        Ok(Registration {
            id,
            platform: platform.ok_or_else(|| wording::push_param("type", "type"))?,
            address: text(&self.value, LIMITS.1)
                .ok_or_else(|| wording::push_param("token", "value"))?,
            app_name: text(&self.app_name, LIMITS.2)
                .ok_or_else(|| wording::push_param("appName", "appName"))?,
        })
    }
}

impl Registration {
    pub fn device(&self) -> Device<'_> {
        Device {
            id: self.id.as_deref(),
            platform: self.platform,
            address: &self.address,
            app_name: &self.app_name,
        }
    }
}

fn fits(text: &str, limit: usize) -> bool {
    !text.is_empty() && text.chars().count() <= limit
}
