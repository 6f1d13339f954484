//! A program that lets people log in with their account here, as either door is told of it (contract, admin 5.2).

use domain::oauth_app::OAuthAppProperties;
use serde_json::Value;

use crate::http::parameters::{Loose, Parameters};

#[derive(Parameters)]
#[params(open)]
pub struct App {
    name: Loose<String>,
    /// The addresses as one text, or as a list.
    redirect_uri: Option<Value>,
    active: Loose<bool>,
}

impl App {
    /// `None`: something is of the wrong kind.
    pub fn properties(self) -> Option<OAuthAppProperties> {
        let name = match self.name.value {
            None => String::new(),
            Some(Value::String(name)) => name,
            Some(_) => return None,
        };
        let redirect_uris = match self.redirect_uri {
            None => Vec::new(),
            Some(Value::String(text)) => OAuthAppProperties::addresses(&text),
            Some(Value::Array(list)) => list
                .iter()
                .filter_map(Value::as_str)
                .flat_map(OAuthAppProperties::addresses)
                .collect(),
            Some(_) => return None,
        };
        let active = match self.active.value {
            Some(Value::Bool(active)) => active,
            Some(Value::String(text)) if text == "true" || text == "false" => text == "true",
            _ => return None,
        };
        Some(OAuthAppProperties {
            name,
            redirect_uris,
            active,
        })
    }
}
