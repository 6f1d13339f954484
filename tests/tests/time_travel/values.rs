//! Settings that people change, and to what.

/// Settings of rooms with values that they take, in JSON.
pub const ROOM_SETTINGS: &[(&str, &[&str])] = &[
    ("roomTopic", &[r#""tea""#, r#""""#]),
    (
        "roomAnnouncement",
        &[r#""soon""#, r#"{"message":"now","style":"red"}"#],
    ),
    ("roomDescription", &[r#""warm""#, r#""""#]),
    ("roomCustomFields", &[r#"{"floor":3}"#, "{}"]),
    ("roomType", &[r#""c""#, r#""p""#]),
    ("readOnly", &["true", "false"]),
    ("reactWhenReadOnly", &["true", "false"]),
    ("systemMessages", &[r#"["uj","au"]"#, "[]"]),
    ("default", &["true", "false"]),
    ("joinCode", &[r#""sesame""#, r#"" ""#]),
    ("streamingOptions", &[r#"{"id":"x"}"#, "{}"]),
    ("retentionEnabled", &["true", "false"]),
    ("retentionMaxAge", &["7", "30"]),
    ("encrypted", &["true", "false"]),
    (
        "favorite",
        &[
            r#"{"favorite":true,"defaultValue":true}"#,
            r#"{"favorite":false}"#,
        ],
    ),
    ("featured", &["true", "false"]),
];

/// Settings of the workspace that change what becomes of messages and places, with values in JSON.
pub const SETTINGS: &[(&str, &[&str])] = &[
    ("Message_ShowDeletedStatus", &["true", "false"]),
    (
        "Message_ErasureType",
        &[r#""Delete""#, r#""Unlink""#, r#""Keep""#],
    ),
    (
        "Unread_Count",
        &[r#""all_messages""#, r#""user_mentions_only""#],
    ),
    ("Hide_System_Messages", &[r#"["uj"]"#, "[]"]),
];
