//! Methods about translations (contract, admin 13.4).

use application::chat::autotranslate;
use domain::RoomId;
use serde_json::{Value, json};

use crate::http::parameters::Parameters;
use crate::http::translation_form::Wish;
use crate::methods::{Method, MethodCall, MethodOutcome, method};

pub(super) fn methods() -> Vec<Method> {
    vec![
        method("autoTranslate.getSupportedLanguages", languages),
        method("autoTranslate.saveSettings", save_translation),
        method("autoTranslate.getProviderUiMetadata", translators),
    ]
}

/// `autoTranslate.getSupportedLanguages(target)`.
async fn languages(call: MethodCall) -> MethodOutcome {
    autotranslate::must_be_on(&call.state)?;
    Ok(json!([]))
}

/// `autoTranslate.saveSettings(room, field, value, {defaultLanguage})`.
async fn save_translation(call: MethodCall) -> MethodOutcome {
    autotranslate::must_be_on(&call.state)?;
    // Over methods, flags are the texts "1" and "0".
    let field = call.args.text(1)?;
    let value = match (field, call.args.get(2)) {
        ("autoTranslate", Value::String(flag)) => json!(flag == "1"),
        (_, value) => value.clone(),
    };
    let mut params = serde_json::Map::new();
    params.insert("field".to_owned(), json!(field));
    params.insert("value".to_owned(), value);
    if let Some(language) = call.args.get(3)["defaultLanguage"].as_str() {
        params.insert("defaultLanguage".to_owned(), json!(language));
    }
    let command = Wish::read(&mut params.into())?.command()?;
    let room = RoomId::new(call.args.text(0)?);
    autotranslate::save(&call.state, &call.caller, &room, &command).await?;
    Ok(json!(true))
}

/// `autoTranslate.getProviderUiMetadata()`. There is none.
async fn translators(_: MethodCall) -> MethodOutcome {
    Ok(json!({}))
}
