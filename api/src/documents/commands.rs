//! The commands that people type after a slash, as clients know them (contract, messages 7).

use application::chat::commands::{Phrase, SlashCommand};
use domain::permission::Permission;
use serde_json::{Map, Value, json};

/// A command and what clients show of it.
pub struct Described {
    pub command: SlashCommand,
    pub name: &'static str,
    /// Keys of texts that clients have.
    params: Option<&'static str>,
    description: &'static str,
    /// Clients offer it to those who hold one of these. Whether it may be done, its own rules say.
    permissions: &'static [Permission],
}

const fn described(
    name: &'static str,
    command: SlashCommand,
    description: &'static str,
) -> Described {
    Described {
        command,
        name,
        params: None,
        description,
        permissions: &[],
    }
}

impl Described {
    const fn takes(mut self, params: &'static str) -> Self {
        self.params = Some(params);
        self
    }

    const fn needs(mut self, any_of: &'static [Permission]) -> Self {
        self.permissions = any_of;
        self
    }

    pub fn document(&self) -> Map<String, Value> {
        let mut document = Map::from_iter([
            ("command".to_owned(), json!(self.name)),
            ("description".to_owned(), json!(self.description)),
            ("clientOnly".to_owned(), json!(false)),
            ("providesPreview".to_owned(), json!(false)),
        ]);
        document.extend(
            self.params
                .map(|params| ("params".to_owned(), json!(params))),
        );
        match self.permissions {
            [] => {}
            [one] => drop(document.insert("permission".to_owned(), json!(one))),
            all => drop(document.insert("permission".to_owned(), json!(all))),
        }
        document
    }
}

/// The command of that name, in any letter case.
pub fn find(name: &str) -> Option<&'static Described> {
    COMMANDS
        .iter()
        .find(|known| known.name.eq_ignore_ascii_case(name))
}

const CHANNEL: &str = "#channel";
const ROOM: &str = "#room";
const USER: &str = "@username";
const OPTIONAL_TEXT: &str = "your_message_optional";

/// By name.
pub static COMMANDS: [Described; 23] = [
    described("archive", SlashCommand::Archive, "Archive")
        .takes(CHANNEL)
        .needs(&[Permission::ARCHIVE_ROOM]),
    described("create", SlashCommand::Create, "Create_A_New_Channel")
        .takes(CHANNEL)
        .needs(&[Permission::CREATE_C, Permission::CREATE_P]),
    described(
        "gimme",
        SlashCommand::Say(Phrase::Gimme),
        "Slash_Gimme_Description",
    )
    .takes(OPTIONAL_TEXT),
    described(
        "help",
        SlashCommand::Help,
        "Show_the_keyboard_shortcut_list",
    ),
    described("hide", SlashCommand::Hide, "Hide_room").takes(ROOM),
    described(
        "invite",
        SlashCommand::Invite,
        "Invite_user_to_join_channel",
    )
    .takes(USER)
    .needs(&[Permission::ADD_USER_TO_JOINED_ROOM]),
    described(
        "invite-all-from",
        SlashCommand::InviteAllFrom,
        "Invite_user_to_join_channel_all_from",
    )
    .takes(ROOM)
    .needs(&[Permission::ADD_USER_TO_JOINED_ROOM]),
    described(
        "invite-all-to",
        SlashCommand::InviteAllTo,
        "Invite_user_to_join_channel_all_to",
    )
    .takes(ROOM)
    .needs(&[
        Permission::ADD_USER_TO_JOINED_ROOM,
        Permission::ADD_USER_TO_ANY_C_ROOM,
        Permission::ADD_USER_TO_ANY_P_ROOM,
    ]),
    described("join", SlashCommand::Join, "Join_the_given_channel")
        .takes(CHANNEL)
        .needs(&[Permission::VIEW_C_ROOM]),
    described("kick", SlashCommand::Kick, "Remove_someone_from_room")
        .takes(USER)
        .needs(&[Permission::REMOVE_USER]),
    described("leave", SlashCommand::Leave, "Leave_the_current_channel")
        .needs(&[Permission::LEAVE_C, Permission::LEAVE_P]),
    described(
        "lennyface",
        SlashCommand::Say(Phrase::LennyFace),
        "Slash_LennyFace_Description",
    )
    .takes(OPTIONAL_TEXT),
    described("me", SlashCommand::Say(Phrase::Me), "Displays_action_text").takes("your_message"),
    described("msg", SlashCommand::Message, "Direct_message_someone")
        .takes("@username <message>")
        .needs(&[Permission::CREATE_D]),
    described("mute", SlashCommand::Mute, "Mute_someone_in_room")
        .takes(USER)
        .needs(&[Permission::MUTE_USER]),
    described("part", SlashCommand::Leave, "Leave_the_current_channel")
        .needs(&[Permission::LEAVE_C, Permission::LEAVE_P]),
    described(
        "shrug",
        SlashCommand::Say(Phrase::Shrug),
        "Slash_Shrug_Description",
    )
    .takes(OPTIONAL_TEXT),
    described("status", SlashCommand::Status, "Slash_Status_Description")
        .takes("Slash_Status_Params"),
    described(
        "tableflip",
        SlashCommand::Say(Phrase::TableFlip),
        "Slash_Tableflip_Description",
    )
    .takes(OPTIONAL_TEXT),
    described("topic", SlashCommand::Topic, "Slash_Topic_Description")
        .takes("Slash_Topic_Params")
        .needs(&[Permission::EDIT_ROOM]),
    described("unarchive", SlashCommand::Unarchive, "Unarchive")
        .takes(CHANNEL)
        .needs(&[Permission::UNARCHIVE_ROOM]),
    described(
        "unflip",
        SlashCommand::Say(Phrase::Unflip),
        "Slash_TableUnflip_Description",
    )
    .takes(OPTIONAL_TEXT),
    described("unmute", SlashCommand::Unmute, "Unmute_someone_in_room")
        .takes(USER)
        .needs(&[Permission::MUTE_USER]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_is_listed_once_in_order() {
        assert!(COMMANDS.is_sorted_by(|a, b| a.name < b.name));
    }
}
