//! What a member wants translated, as either door is told (contract, admin 13.4).

use application::ids::now;
use domain::membership::MembershipCommand;
use serde_json::Value;

use crate::errors::{ApiError, wording};
use crate::http::parameters::{Loose, Parameters};

#[derive(Parameters)]
#[params(open)]
pub struct Wish {
    field: Loose<String>,
    value: Option<Value>,
    default_language: Option<String>,
}

impl Wish {
    pub fn command(self) -> Result<MembershipCommand, ApiError> {
        let missing = |name| move || wording::translation_param_required(name);
        let field = self.field.value.ok_or_else(missing("field"))?;
        let value = self.value.ok_or_else(missing("value"))?;
        let (enabled, language) = match (field.as_str(), value) {
            (Some("autoTranslate"), Value::Bool(enabled)) => {
                (Some(enabled), self.default_language.filter(|_| enabled))
            }
            (Some("autoTranslate"), _) => {
                return Err(wording::body_param_type("autoTranslate", "boolean"));
            }
            (Some("autoTranslateLanguage"), Value::String(language)) => (None, Some(language)),
            (Some("autoTranslateLanguage"), _) => {
                return Err(wording::body_param_type("autoTranslateLanguage", "string"));
            }
            _ => return Err(wording::translation_param_required("field")),
        };
        Ok(MembershipCommand::Translate {
            enabled,
            language,
            at: now(),
        })
    }
}
