//! What a client attached to a message, in short.

use serde_json::Value;

/// What stands in an attachment that people would tell of it. All of it as clients wrote it: any text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct Attached {
    /// The name of the file, or the title.
    pub name: Option<String>,
    /// What its author says about it.
    pub description: Option<String>,
    /// Addresses of the file, of pictures, of a message that is quoted.
    pub links: Vec<String>,
    /// The digest of the file, in hexadecimal digits, where the client said it.
    pub sha256: Option<String>,
}

const NAMES: &[&str] = &["/title", "/author_name"];
const DESCRIPTIONS: &[&str] = &["/description", "/text"];
const LINKS: &[&str] = &[
    "/title_link",
    "/image_url",
    "/audio_url",
    "/video_url",
    "/message_link",
    "/thumb_url",
];
const DIGEST: &str = "/hashes/sha256";

impl Attached {
    /// Of one attachment as the event has it.
    pub fn of(attachment: &Value) -> Self {
        let text = |pointer: &&str| {
            let text = attachment.pointer(pointer)?.as_str()?;
            (!text.is_empty()).then(|| text.to_owned())
        };
        Self {
            name: NAMES.iter().find_map(text),
            description: DESCRIPTIONS.iter().find_map(text),
            links: LINKS.iter().filter_map(text).collect(),
            sha256: text(&DIGEST),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_file_is_told_by_its_name_its_address_and_its_digest() {
        let attachment = json!({
            "title": "plan.pdf", "title_link": "/file-upload/1/plan.pdf", "description": "the plan",
            "hashes": {"sha256": "ab12"}, "image_size": 3,
        });
        let wanted = Attached {
            name: Some("plan.pdf".to_owned()),
            description: Some("the plan".to_owned()),
            links: vec!["/file-upload/1/plan.pdf".to_owned()],
            sha256: Some("ab12".to_owned()),
        };
        assert_eq!(Attached::of(&attachment), wanted);
    }

    #[test]
    fn of_what_says_nothing_nothing_is_told() {
        for attachment in [json!({}), json!(1), json!({"title": 1, "text": ""})] {
            assert_eq!(
                Attached::of(&attachment),
                Attached::default(),
                "{attachment}"
            );
        }
    }
}
