//! Settings to save, as either door is told (contract, admin 4.2).

use application::admin::settings::Wish;
use domain::setting::Editor;
use serde_json::Value;

use crate::errors::{ApiError, wording};

/// Several of them, from `[{_id, value, editor}]`.
pub fn wishes(rows: &[Value]) -> Result<Vec<Wish>, ApiError> {
    let wish = |row: &Value| {
        let id = row["_id"]
            .as_str()
            .ok_or_else(wording::setting_id_missing)?;
        Ok(Wish {
            id: id.to_owned(),
            value: row["value"].clone(),
            editor: row["editor"].as_str().and_then(Editor::find),
            from_environment: false,
        })
    };
    rows.iter().map(wish).collect()
}
