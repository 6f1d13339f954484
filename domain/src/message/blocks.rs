//! Blocks of the UI kit: pictures, buttons and the like below a message (contract, messages 2).

use serde_json::Value;

use super::{MessageRefusal, attachments};
use crate::limits;

/// What clients know to show.
const KINDS: [&str; 13] = [
    "actions",
    "banner",
    "callout",
    "conditional",
    "context",
    "divider",
    "image",
    "info_card",
    "input",
    "preview",
    "section",
    "tab_navigation",
    "video_conf",
];

/// Refuses too many of them, and what is none.
pub(super) fn check(blocks: &[Value]) -> Result<(), MessageRefusal> {
    let is_known = |block: &Value| {
        let kind = block.get("type").and_then(Value::as_str);
        kind.is_some_and(|kind| KINDS.contains(&kind))
    };
    if blocks.len() > limits::BLOCKS || !blocks.iter().all(is_known) {
        return Err(MessageRefusal::InvalidShape { key: "blocks" });
    }
    attachments::harmless(blocks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn blocks_are_of_known_kinds_and_not_too_many() {
        let section = json!({"type": "section", "text": {"type": "mrkdwn", "text": "hi"}});
        let refused = Err(MessageRefusal::InvalidShape { key: "blocks" });
        let many = vec![section.clone(); limits::BLOCKS];
        let more = vec![section.clone(); limits::BLOCKS + 1];
        let script = json!({"type": "image", "imageUrl": "javascript:x", "altText": "x"});
        for (blocks, result) in [
            (vec![], Ok(())),
            (vec![section.clone(), json!({"type": "divider"})], Ok(())),
            (many, Ok(())),
            (more, refused.clone()),
            (vec![section, json!({"type": "iframe"})], refused.clone()),
            (vec![json!({"type": 1})], refused.clone()),
            (vec![json!("section")], refused),
            (vec![script], Err(MessageRefusal::InvalidLink)),
        ] {
            assert_eq!(check(&blocks), result, "{blocks:?}");
        }
    }
}
