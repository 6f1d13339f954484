//! Nobody reaches into a room they may not see by naming something of it: nothing there changes, nobody there is told
//! anything, and the answer is that to an id there is not.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tests::client::Client;
use tests::live::Live;
use tests::server::{Server, ServerOptions};

use super::id;

/// Requests that name a room. `ROOM` is its id, `NAME` its name, `EVE` the stranger, `ALICE` a member.
const ROOMS: &[(&str, &str)] = &[
    ("chat.postMessage", r#"{"roomId":"ROOM","text":"x"}"#),
    (
        "chat.postMessage",
        r#"{"roomId":["GENERAL","ROOM"],"text":"x"}"#,
    ),
    ("chat.postMessage", r#"{"channel":"ROOM","text":"x"}"#),
    ("chat.postMessage", r##"{"channel":"#ROOM","text":"x"}"##),
    ("chat.postMessage", r##"{"channel":"#NAME","text":"x"}"##),
    ("chat.postMessage", r#"{"channel":"@ROOM","text":"x"}"#),
    (
        "chat.sendMessage",
        r#"{"message":{"rid":"ROOM","msg":"x"}}"#,
    ),
    ("GET subscriptions.getOne?roomId=ROOM", ""),
    ("subscriptions.read", r#"{"rid":"ROOM"}"#),
    ("subscriptions.read", r#"{"roomId":"ROOM"}"#),
    ("subscriptions.unread", r#"{"roomId":"ROOM"}"#),
    ("GET rooms.info?roomId=ROOM", ""),
    ("GET rooms.info?roomName=NAME", ""),
    (
        "rooms.saveNotification",
        r#"{"roomId":"ROOM","notifications":{"unreadAlert":"all"}}"#,
    ),
    ("rooms.saveDraft", r#"{"rid":"ROOM","draft":"x"}"#),
    ("rooms.open", r#"{"roomId":"ROOM"}"#),
    ("rooms.hide", r#"{"roomId":"ROOM"}"#),
    ("rooms.leave", r#"{"roomId":"ROOM"}"#),
    ("rooms.leave", r#"{"roomName":"NAME"}"#),
    ("rooms.favorite", r#"{"roomId":"ROOM","favorite":true}"#),
    ("rooms.favorite", r#"{"roomName":"NAME","favorite":true}"#),
    (
        "rooms.saveRoomSettings",
        r#"{"rid":"ROOM","roomTopic":"x"}"#,
    ),
    (
        "rooms.changeArchivationState",
        r#"{"rid":"ROOM","action":"archive"}"#,
    ),
    ("rooms.delete", r#"{"roomId":"ROOM"}"#),
    (
        "rooms.export",
        r#"{"rid":"ROOM","type":"file","format":"json"}"#,
    ),
    (
        "rooms.export",
        r#"{"rid":"ROOM","type":"email","toUsers":["eve"],"messages":["MESSAGE"]}"#,
    ),
    (
        "rooms.cleanHistory",
        r#"{"roomId":"ROOM","oldest":"2020-01-01","latest":"2040-01-01"}"#,
    ),
    ("rooms.join", r#"{"roomId":"ROOM"}"#),
    ("rooms.join", r#"{"roomName":"NAME"}"#),
    ("rooms.muteUser", r#"{"roomId":"ROOM","userId":"ALICE"}"#),
    ("rooms.unmuteUser", r#"{"roomId":"ROOM","userId":"ALICE"}"#),
    ("rooms.banUser", r#"{"roomId":"ROOM","userId":"ALICE"}"#),
    ("rooms.unbanUser", r#"{"roomId":"ROOM","userId":"EVE"}"#),
    ("GET rooms.bannedUsers?roomId=ROOM", ""),
    ("GET rooms.isMember?roomId=ROOM&userId=ALICE", ""),
    ("GET rooms.roles?rid=ROOM", ""),
    ("GET rooms.membersOrderedByRole?roomId=ROOM", ""),
    ("GET rooms.membersOrderedByRole?roomName=NAME", ""),
    (
        "rooms.createDiscussion",
        r#"{"prid":"ROOM","t_name":"x","users":["eve"],"reply":"x"}"#,
    ),
    ("GET rooms.getDiscussions?roomId=ROOM", ""),
    ("GET rooms.getDiscussions?roomName=NAME", ""),
    (
        "METHOD createDiscussion",
        r#"[{"prid":"ROOM","t_name":"x","users":["eve"]}]"#,
    ),
    (
        "findOrCreateInvite",
        r#"{"rid":"ROOM","days":1,"maxUses":1}"#,
    ),
    ("GET rooms.adminRooms.getRoom?rid=ROOM", ""),
    ("GET rooms.history?roomId=ROOM", ""),
    (
        "GET chat.getURLPreview?roomId=ROOM&url=http://127.0.0.1/",
        "",
    ),
    ("GET chat.search?roomId=ROOM&searchText=secret", ""),
    ("GET chat.search?roomId=ROOM&searchText=%2F.%2F", ""),
    ("METHOD messageSearch", r#"["secret","ROOM"]"#),
    (
        "METHOD rocketchatSearch.search",
        r#"["secret",{"uid":"x","rid":"ROOM"},{"searchAll":true}]"#,
    ),
    ("GET rooms.images?roomId=ROOM", ""),
    ("rooms.invite", r#"{"roomId":"ROOM","action":"accept"}"#),
    ("GET channels.getAllUserMentionsByChannel?roomId=ROOM", ""),
    ("GET FAMILY.anonymousread?roomId=ROOM", ""),
    ("GET FAMILY.anonymousread?roomName=NAME", ""),
    ("GET FAMILY.files?roomId=ROOM", ""),
    ("GET FAMILY.getIntegrations?roomId=ROOM", ""),
    ("GET DIRECT.files?roomId=ROOM", ""),
    (
        "teams.create",
        r#"{"name":"own","type":0,"room":{"id":"ROOM"}}"#,
    ),
    ("teams.addRooms", r#"{"teamName":"crew7","rooms":["ROOM"]}"#),
    (
        "teams.removeRoom",
        r#"{"teamName":"crew7","roomId":"ROOM"}"#,
    ),
    ("teams.updateRoom", r#"{"roomId":"ROOM","isDefault":true}"#),
    ("channels.convertToTeam", r#"{"channelId":"ROOM"}"#),
    ("channels.convertToTeam", r#"{"channelName":"NAME"}"#),
    ("groups.convertToTeam", r#"{"roomId":"ROOM"}"#),
    ("groups.convertToTeam", r#"{"roomName":"NAME"}"#),
    ("channels.join", r#"{"roomId":"ROOM"}"#),
    ("channels.join", r#"{"roomName":"NAME"}"#),
    ("GET FAMILY.info?roomId=ROOM", ""),
    ("GET FAMILY.info?roomName=NAME", ""),
    ("GET FAMILY.counters?roomId=ROOM", ""),
    ("GET FAMILY.counters?roomId=ROOM&userId=ALICE", ""),
    ("GET FAMILY.members?roomId=ROOM", ""),
    ("GET FAMILY.messages?roomId=ROOM", ""),
    ("GET FAMILY.history?roomId=ROOM", ""),
    ("GET FAMILY.roles?roomId=ROOM", ""),
    ("GET FAMILY.moderators?roomId=ROOM", ""),
    ("FAMILY.leave", r#"{"roomId":"ROOM"}"#),
    ("FAMILY.invite", r#"{"roomId":"ROOM","userId":"EVE"}"#),
    ("FAMILY.invite", r#"{"roomName":"NAME","userId":"EVE"}"#),
    ("FAMILY.addAll", r#"{"roomId":"ROOM"}"#),
    (r#"GET FAMILY.online?query={"_id":"ROOM"}"#, ""),
    (r#"GET FAMILY.online?query={"name":"NAME"}"#, ""),
    ("GET FAMILY.online?_id=ROOM", ""),
    ("FAMILY.kick", r#"{"roomId":"ROOM","userId":"ALICE"}"#),
    ("FAMILY.rename", r#"{"roomId":"ROOM","name":"taken-over"}"#),
    ("FAMILY.setReadOnly", r#"{"roomId":"ROOM","readOnly":true}"#),
    ("FAMILY.setType", r#"{"roomId":"ROOM","type":"c"}"#),
    ("channels.setDefault", r#"{"roomId":"ROOM","default":true}"#),
    (
        "channels.setJoinCode",
        r#"{"roomId":"ROOM","joinCode":"x"}"#,
    ),
    (
        "groups.setEncrypted",
        r#"{"roomId":"ROOM","encrypted":true}"#,
    ),
    (
        "FAMILY.setCustomFields",
        r#"{"roomId":"ROOM","customFields":{}}"#,
    ),
    ("FAMILY.archive", r#"{"roomId":"ROOM"}"#),
    ("FAMILY.unarchive", r#"{"roomId":"ROOM"}"#),
    ("FAMILY.delete", r#"{"roomId":"ROOM"}"#),
    ("FAMILY.open", r#"{"roomId":"ROOM"}"#),
    ("FAMILY.close", r#"{"roomId":"ROOM"}"#),
    ("FAMILY.setTopic", r#"{"roomId":"ROOM","topic":"x"}"#),
    (
        "FAMILY.setDescription",
        r#"{"roomId":"ROOM","description":"x"}"#,
    ),
    ("FAMILY.setPurpose", r#"{"roomId":"ROOM","purpose":"x"}"#),
    (
        "FAMILY.setAnnouncement",
        r#"{"roomId":"ROOM","announcement":"x"}"#,
    ),
    ("FAMILY.addOwner", r#"{"roomId":"ROOM","userId":"EVE"}"#),
    (
        "FAMILY.removeOwner",
        r#"{"roomId":"ROOM","userId":"ALICE"}"#,
    ),
    ("FAMILY.addModerator", r#"{"roomId":"ROOM","userId":"EVE"}"#),
    (
        "FAMILY.removeModerator",
        r#"{"roomId":"ROOM","userId":"ALICE"}"#,
    ),
    ("FAMILY.addLeader", r#"{"roomId":"ROOM","userId":"EVE"}"#),
    (
        "FAMILY.removeLeader",
        r#"{"roomId":"ROOM","userId":"ALICE"}"#,
    ),
    ("DIRECT.open", r#"{"roomId":"ROOM"}"#),
    ("DIRECT.close", r#"{"roomId":"ROOM"}"#),
    ("DIRECT.delete", r#"{"roomId":"ROOM"}"#),
    ("DIRECT.setTopic", r#"{"roomId":"ROOM","topic":"x"}"#),
    ("DIRECT.blockUser", r#"{"roomId":"ROOM","block":true}"#),
    ("DIRECT.leave", r#"{"roomId":"ROOM"}"#),
    ("DIRECT.kick", r#"{"roomId":"ROOM","userId":"ALICE"}"#),
    ("GET DIRECT.messages.others?roomId=ROOM", ""),
    ("GET DIRECT.counters?roomId=ROOM", ""),
    ("GET DIRECT.counters?roomId=ROOM&userId=ALICE", ""),
    ("GET DIRECT.messages?roomId=ROOM", ""),
    ("GET DIRECT.history?roomId=ROOM", ""),
    ("GET DIRECT.members?roomId=ROOM", ""),
    (
        "autotranslate.saveSettings",
        r#"{"roomId":"ROOM","field":"autoTranslate","value":true}"#,
    ),
    ("GET e2e.getUsersOfRoomWithoutKey?rid=ROOM", ""),
    ("e2e.setRoomKeyID", r#"{"rid":"ROOM","keyID":"k"}"#),
    (
        "e2e.updateGroupKey",
        r#"{"rid":"ROOM","uid":"ALICE","key":"k"}"#,
    ),
    (
        "e2e.updateGroupKey",
        r#"{"rid":"ROOM","uid":"EVE","key":"k"}"#,
    ),
    ("e2e.acceptSuggestedGroupKey", r#"{"rid":"ROOM"}"#),
    ("e2e.rejectSuggestedGroupKey", r#"{"rid":"ROOM"}"#),
    ("GET e2e.fetchUsersWaitingForGroupKey?roomIds[]=ROOM", ""),
    (
        "e2e.provideUsersSuggestedGroupKeys",
        r#"{"usersSuggestedGroupKeys":{"ROOM":[{"_id":"ALICE","key":"k"}]}}"#,
    ),
    (
        "e2e.resetRoomKey",
        r#"{"rid":"ROOM","e2eKey":"k","e2eKeyId":"k"}"#,
    ),
    ("GET spotlight?query=al&rid=ROOM", ""),
    ("video-conference.start", r#"{"roomId":"ROOM"}"#),
    ("GET video-conference.list?roomId=ROOM", ""),
    (
        "roles.addUserToRole",
        r#"{"roleId":"owner","username":"eve","roomId":"ROOM"}"#,
    ),
    (
        "roles.addUserToRole",
        r#"{"roleId":"leader","username":"alice","roomId":"ROOM"}"#,
    ),
    (
        "roles.removeUserFromRole",
        r#"{"roleId":"owner","username":"alice","scope":"ROOM"}"#,
    ),
    ("GET roles.getUsersInRole?role=owner&roomId=ROOM", ""),
    ("METHOD e2e.getUsersOfRoomWithoutKey", r#"["ROOM"]"#),
    ("METHOD e2e.setRoomKeyID", r#"["ROOM","k"]"#),
    ("METHOD e2e.updateGroupKey", r#"["ROOM","ALICE","k"]"#),
    ("METHOD joinRoom", r#"["ROOM"]"#),
    ("METHOD leaveRoom", r#"["ROOM"]"#),
    (
        "METHOD addUserToRoom",
        r#"[{"rid":"ROOM","username":"eve"}]"#,
    ),
    (
        "METHOD addUsersToRoom",
        r#"[{"rid":"ROOM","users":["eve"]}]"#,
    ),
    ("METHOD addAllUserToRoom", r#"["ROOM"]"#),
    (
        "METHOD removeUserFromRoom",
        r#"[{"rid":"ROOM","username":"alice"}]"#,
    ),
    (
        "METHOD muteUserInRoom",
        r#"[{"rid":"ROOM","username":"alice"}]"#,
    ),
    (
        "METHOD unmuteUserInRoom",
        r#"[{"rid":"ROOM","username":"alice"}]"#,
    ),
    ("METHOD addRoomOwner", r#"["ROOM","EVE"]"#),
    ("METHOD removeRoomOwner", r#"["ROOM","ALICE"]"#),
    ("METHOD addRoomModerator", r#"["ROOM","EVE"]"#),
    ("METHOD removeRoomModerator", r#"["ROOM","ALICE"]"#),
    ("METHOD addRoomLeader", r#"["ROOM","EVE"]"#),
    ("METHOD removeRoomLeader", r#"["ROOM","ALICE"]"#),
    ("METHOD getRoomRoles", r#"["ROOM"]"#),
    ("METHOD getRoomById", r#"["ROOM"]"#),
    ("METHOD getRoomNameById", r#"["ROOM"]"#),
    ("METHOD getRoomIdByNameOrId", r#"["NAME"]"#),
    ("METHOD getRoomByTypeAndName", r#"["p","NAME"]"#),
    ("METHOD getUsersOfRoom", r#"["ROOM",true,{},""]"#),
    ("METHOD toggleFavorite", r#"["ROOM",true]"#),
    ("METHOD saveRoomSettings", r#"["ROOM","roomTopic","x"]"#),
    ("METHOD archiveRoom", r#"["ROOM"]"#),
    ("METHOD unarchiveRoom", r#"["ROOM"]"#),
    ("METHOD eraseRoom", r#"["ROOM"]"#),
    (
        "METHOD cleanRoomHistory",
        r#"[{"roomId":"ROOM","oldest":{"$date":0},"latest":{"$date":4000000000000}}]"#,
    ),
    ("METHOD getRoomJoinCode", r#"["ROOM"]"#),
    ("METHOD readMessages", r#"["ROOM"]"#),
    ("METHOD unreadMessages", r#"[null,"ROOM"]"#),
    ("METHOD openRoom", r#"["ROOM"]"#),
    ("METHOD hideRoom", r#"["ROOM"]"#),
    (
        "METHOD saveNotificationSettings",
        r#"["ROOM","unreadAlert","all"]"#,
    ),
    ("METHOD ignoreUser", r#"[{"rid":"ROOM","userId":"ALICE"}]"#),
    ("METHOD blockUser", r#"[{"rid":"ROOM","blocked":"ALICE"}]"#),
    (
        "METHOD unblockUser",
        r#"[{"rid":"ROOM","blocked":"ALICE"}]"#,
    ),
    (
        "METHOD autoTranslate.saveSettings",
        r#"["ROOM","autoTranslate","1",{}]"#,
    ),
    (
        "METHOD spotlight",
        r#"["",[],{"users":true,"rooms":true},"ROOM"]"#,
    ),
    ("GET chat.getPinnedMessages?roomId=ROOM", ""),
    ("GET chat.getStarredMessages?roomId=ROOM", ""),
    ("GET chat.getMentionedMessages?roomId=ROOM", ""),
    ("GET chat.getDiscussions?roomId=ROOM", ""),
    ("GET chat.getSnippetedMessages?roomId=ROOM", ""),
    ("GET chat.getThreadsList?rid=ROOM", ""),
    (
        "GET chat.syncMessages?roomId=ROOM&lastUpdate=2020-01-01T00:00:00Z",
        "",
    ),
    ("GET chat.syncMessages?roomId=ROOM&next=1&type=UPDATED", ""),
    ("GET chat.syncMessages?roomId=ROOM&next=1&type=DELETED", ""),
    (
        "GET chat.getDeletedMessages?roomId=ROOM&since=2020-01-01T00:00:00Z",
        "",
    ),
    (
        "GET chat.syncThreadsList?rid=ROOM&updatedSince=2020-01-01T00:00:00Z",
        "",
    ),
    ("GET chat.ignoreUser?rid=ROOM&userId=ALICE", ""),
    ("METHOD sendMessage", r#"[{"rid":"ROOM","msg":"x"}]"#),
    ("METHOD loadHistory", r#"["ROOM"]"#),
    ("METHOD loadMissedMessages", r#"["ROOM",{"$date":0}]"#),
    ("METHOD loadNextMessages", r#"["ROOM"]"#),
    ("METHOD messages/get", r#"["ROOM",{}]"#),
    (
        "METHOD messages/get",
        r#"["ROOM",{"lastUpdate":{"$date":0}}]"#,
    ),
    ("METHOD getChannelHistory", r#"[{"rid":"ROOM"}]"#),
    ("METHOD getUserMentionsByChannel", r#"[{"roomId":"ROOM"}]"#),
    ("METHOD getThreadsList", r#"[{"rid":"ROOM"}]"#),
    (
        "commands.run",
        r#"{"command":"me","params":"x","roomId":"ROOM"}"#,
    ),
    (
        "commands.run",
        r#"{"command":"kick","params":"@alice","roomId":"ROOM"}"#,
    ),
    (
        "commands.run",
        r##"{"command":"archive","params":"#NAME","roomId":"GENERAL"}"##,
    ),
    (
        "commands.run",
        r##"{"command":"unarchive","params":"#NAME","roomId":"GENERAL"}"##,
    ),
    (
        "commands.run",
        r##"{"command":"join","params":"#NAME","roomId":"GENERAL"}"##,
    ),
    (
        "commands.run",
        r##"{"command":"hide","params":"#NAME","roomId":"GENERAL"}"##,
    ),
    (
        "commands.run",
        r##"{"command":"invite-all-from","params":"#NAME","roomId":"GENERAL"}"##,
    ),
    ("GET commands.preview?command=me&roomId=ROOM", ""),
    (
        "commands.preview",
        r#"{"command":"me","roomId":"ROOM","previewItem":{"id":"1","type":"text","value":"x"}}"#,
    ),
    (
        "METHOD slashCommand",
        r#"[{"cmd":"topic","params":"x","msg":{"rid":"ROOM"}}]"#,
    ),
    (
        "METHOD slashCommand",
        r##"[{"cmd":"join","params":"#NAME","msg":{"rid":"GENERAL"}}]"##,
    ),
    (
        "METHOD getSlashCommandPreviews",
        r#"[{"cmd":"me","params":"x","msg":{"rid":"ROOM"}}]"#,
    ),
    ("METHOD browseChannels", r#"[{"text":"NAME","page":0}]"#),
    ("METHOD sendFileMessage", r#"["ROOM","Uploads",{},{}]"#),
];

/// Requests that name a message. `MESSAGE` is its id, `ROOM` that of its room.
const MESSAGES: &[(&str, &str)] = &[
    (
        "chat.sendMessage",
        r#"{"message":{"rid":"GENERAL","msg":"x","tmid":"MESSAGE"}}"#,
    ),
    (
        "chat.sendMessage",
        r#"{"message":{"rid":"GENERAL","msg":"x","tmid":"MESSAGE","tshow":true}}"#,
    ),
    (
        "chat.sendMessage",
        r#"{"message":{"msg":"x","tmid":"MESSAGE"}}"#,
    ),
    (
        "chat.postMessage",
        r#"{"roomId":"GENERAL","text":"x","tmid":"MESSAGE"}"#,
    ),
    (
        "chat.postMessage",
        r##"{"channel":["#general"],"text":"@alice","tmid":"MESSAGE"}"##,
    ),
    (
        "chat.update",
        r#"{"roomId":"ROOM","msgId":"MESSAGE","text":"x"}"#,
    ),
    (
        "chat.update",
        r#"{"roomId":"GENERAL","msgId":"MESSAGE","text":"x"}"#,
    ),
    ("chat.delete", r#"{"roomId":"ROOM","msgId":"MESSAGE"}"#),
    ("chat.delete", r#"{"roomId":"GENERAL","msgId":"MESSAGE"}"#),
    (
        "chat.delete",
        r#"{"roomId":"ROOM","msgId":"MESSAGE","asUser":true}"#,
    ),
    ("chat.react", r#"{"messageId":"MESSAGE","emoji":"smile"}"#),
    (
        "chat.react",
        r#"{"messageId":"MESSAGE","emoji":"smile","shouldReact":false}"#,
    ),
    ("chat.react", r#"{"messageId":"MESSAGE","emoji":"no-such"}"#),
    ("GET chat.getMessage?msgId=MESSAGE", ""),
    (
        "chat.reportMessage",
        r#"{"messageId":"MESSAGE","description":"x"}"#,
    ),
    (
        "subscriptions.unread",
        r#"{"firstUnreadMessage":{"_id":"MESSAGE"}}"#,
    ),
    ("GET chat.getMessageReadReceipts?messageId=MESSAGE", ""),
    ("METHOD getReadReceipts", r#"[{"messageId":"MESSAGE"}]"#),
    ("GET push.get?id=MESSAGE", ""),
    ("GET rooms.history?roomId=GENERAL&aroundId=MESSAGE", ""),
    (
        "autotranslate.translateMessage",
        r#"{"messageId":"MESSAGE"}"#,
    ),
    ("GET moderation.reports?msgId=MESSAGE", ""),
    ("moderation.dismissReports", r#"{"msgId":"MESSAGE"}"#),
    (
        "rooms.saveDraft",
        r#"{"rid":"GENERAL","draft":"x","tmid":"MESSAGE"}"#,
    ),
    (
        "subscriptions.read",
        r#"{"rid":"GENERAL","tmid":"MESSAGE"}"#,
    ),
    ("METHOD readThreads", r#"["MESSAGE"]"#),
    ("METHOD unreadMessages", r#"[{"_id":"MESSAGE"}]"#),
    (
        "rooms.createDiscussion",
        r#"{"prid":"GENERAL","t_name":"x","pmid":"MESSAGE"}"#,
    ),
    (
        "rooms.createDiscussion",
        r#"{"prid":"ROOM","t_name":"x","pmid":"MESSAGE"}"#,
    ),
    ("METHOD reportMessage", r#"["MESSAGE","x"]"#),
    ("chat.starMessage", r#"{"messageId":"MESSAGE"}"#),
    ("chat.unStarMessage", r#"{"messageId":"MESSAGE"}"#),
    ("chat.pinMessage", r#"{"messageId":"MESSAGE"}"#),
    ("chat.unPinMessage", r#"{"messageId":"MESSAGE"}"#),
    ("chat.followMessage", r#"{"mid":"MESSAGE"}"#),
    ("chat.unfollowMessage", r#"{"mid":"MESSAGE"}"#),
    ("chat.getMessages", r#"{"msgIds":["MESSAGE"]}"#),
    ("GET chat.getSnippetedMessageById?messageId=MESSAGE", ""),
    ("GET chat.getThreadMessages?tmid=MESSAGE", ""),
    (
        "GET chat.syncThreadMessages?tmid=MESSAGE&updatedSince=2020-01-01T00:00:00Z",
        "",
    ),
    ("METHOD updateMessage", r#"[{"_id":"MESSAGE","msg":"x"}]"#),
    ("METHOD deleteMessage", r#"[{"_id":"MESSAGE"}]"#),
    ("METHOD setReaction", r#"["smile","MESSAGE"]"#),
    (
        "METHOD starMessage",
        r#"[{"_id":"MESSAGE","rid":"ROOM","starred":true}]"#,
    ),
    ("METHOD pinMessage", r#"[{"_id":"MESSAGE"}]"#),
    ("METHOD unpinMessage", r#"[{"_id":"MESSAGE"}]"#),
    ("METHOD followMessage", r#"[{"mid":"MESSAGE"}]"#),
    ("METHOD unfollowMessage", r#"[{"mid":"MESSAGE"}]"#),
    ("METHOD getThreadMessages", r#"[{"tmid":"MESSAGE"}]"#),
    ("METHOD loadSurroundingMessages", r#"[{"_id":"MESSAGE"}]"#),
    ("METHOD getSingleMessage", r#"["MESSAGE"]"#),
    ("METHOD getMessages", r#"[["MESSAGE"]]"#),
    (
        "commands.run",
        r#"{"command":"me","params":"x","roomId":"GENERAL","tmid":"MESSAGE"}"#,
    ),
    (
        "commands.run",
        r#"{"command":"me","params":"x","roomId":"ROOM","tmid":"MESSAGE"}"#,
    ),
    (
        "METHOD slashCommand",
        r#"[{"cmd":"me","params":"x","msg":{"rid":"GENERAL","tmid":"MESSAGE"}}]"#,
    ),
    ("METHOD snippetMessage", r#"[{"_id":"MESSAGE"},"x"]"#),
];

/// What parameters that name rooms and messages are called.
const NAMED: [&str; 14] = [
    "prid",
    "pmid",
    "roomId",
    "roomIds",
    "roomName",
    "rid",
    "scope",
    "channel",
    "msgId",
    "messageId",
    "tmid",
    "message",
    "firstUnreadMessage",
    "usersSuggestedGroupKeys",
];

/// Routes with a parameter of such a name that means something else.
const OTHERWISE: [&str; 10] = [
    // Whether a name is taken: whoever makes a room finds that out, too.
    "/api/v1/rooms.nameExists",
    // The scope of a role; what a program may do; words on a badge; words of a status; a method and its parameters.
    "/api/v1/roles.create",
    "/api/v1/roles.update",
    "/oauth/authorize",
    "/api/v1/shield.svg",
    "/api/v1/users.setStatus",
    "/api/v1/method.call/{method}",
    "/api/v1/method.callAnon/{method}",
    "/api/v1/method.call/{method}/{rest}",
    "/api/v1/method.callAnon/{method}/{rest}",
];

/// Every request of a table, once for each family of routes.
fn requests(table: &'static [(&str, &str)]) -> Vec<(String, String)> {
    let mut requests = Vec::new();
    for (path, body) in table {
        let families: &[&str] = match () {
            () if path.contains("FAMILY") => &["channels", "groups"],
            () if path.contains("DIRECT") => &["im", "dm"],
            () => &[""],
        };
        for family in families {
            let path = path.replace("FAMILY", family).replace("DIRECT", family);
            requests.push((path, (*body).to_owned()));
        }
    }
    requests
}

/// Something of a room, or nothing.
#[derive(Clone)]
struct Target {
    room: String,
    name: String,
    message: String,
}

async fn ask(
    client: &Client,
    target: &Target,
    (path, body): &(String, String),
    others: &[(&str, &str)],
) -> String {
    let filled = |text: &str| {
        let mut text = text
            .replace("ROOM", &target.room)
            .replace("NAME", &target.name)
            .replace("MESSAGE", &target.message);
        for (word, id) in others {
            text = text.replace(word, id);
        }
        text
    };
    let (path, body) = (filled(path), filled(body));
    let json = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let answer = match path.split_once(' ') {
        Some(("GET", path)) => client.get(path).await,
        Some((_, method)) => {
            let message =
                json!({"msg": "method", "id": "1", "method": method, "params": json(&body)});
            let body = json!({"message": message.to_string()});
            client.post("method.call/any", body).await
        }
        None => {
            let request = Some(("application/json", body));
            client
                .send(Method::POST, &format!("/api/v1/{path}"), request)
                .await
        }
    };
    // The ids that were named may stand in the answer, and when it was.
    let mut told = format!("{} {}", answer.status, answer.body);
    for id in [&target.room, &target.name, &target.message] {
        told = told.replace(id.as_str(), "NAMED");
    }
    told
}

/// What strangers are told, request by request.
const GOLDEN: &str = include_str!("strangers.txt");

/// Set when the file is to be written anew.
const WRITE: &str = "HANSARD_WRITE_GOLDEN";

/// Notes the refusal of a request; of an answer, that there is one. Methods tell of refusals in a message of their own.
fn note(answers: &mut String, (path, body): &(String, String), told: &str) {
    let answer = told.split_once('{').map(|(_, rest)| format!("{{{rest}"));
    let answer = answer.and_then(|json| serde_json::from_str::<Value>(&json).ok());
    let message = answer.and_then(|answer| answer["message"].as_str().map(str::to_owned));
    let message = message.and_then(|message| serde_json::from_str::<Value>(&message).ok());
    let error = message.and_then(|message| message.get("error").map(Value::to_string));
    let told = match error {
        Some(error) => error,
        None if told.starts_with('2') => "answered".to_owned(),
        None => told.to_owned(),
    };
    writeln!(answers, "{path} {body}\n    {told}").unwrap();
}

fn assert_golden(answers: &str) {
    if std::env::var_os(WRITE).is_some() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doors/strangers.txt");
        std::fs::write(file, answers).unwrap();
        return;
    }
    let mut lines = GOLDEN.lines().zip(answers.lines());
    let first = lines.find(|(expected, found)| expected != found);
    assert!(
        GOLDEN == answers,
        "strangers are told something else; look at what changed, with {WRITE}=1: {first:#?}"
    );
}

/// Everything members see of the rooms.
async fn seen(member: &Client, rooms: &[String], messages: &[String]) -> Vec<Value> {
    let mut seen = Vec::new();
    for room in rooms {
        for path in ["rooms.info", "subscriptions.getOne"] {
            seen.push(member.get(&format!("{path}?roomId={room}")).await.ok());
        }
    }
    seen.push(
        member
            .get(&format!("groups.members?roomId={}", rooms[0]))
            .await
            .ok(),
    );
    seen.push(
        member
            .get(&format!("groups.messages?roomId={}", rooms[0]))
            .await
            .ok(),
    );
    seen.push(
        member
            .get(&format!("groups.roles?roomId={}", rooms[0]))
            .await
            .ok(),
    );
    seen.push(
        member
            .get(&format!("im.messages?roomId={}", rooms[1]))
            .await
            .ok(),
    );
    for message in messages {
        seen.push(
            member
                .get(&format!("chat.getMessage?msgId={message}"))
                .await
                .ok(),
        );
    }
    seen
}

async fn a_stranger_gets_in_by_no_id(options: ServerOptions) {
    let server = options.start().await;
    let admin = server.admin().await;
    let (alice, bob) = (admin.new_user("alice").await, admin.new_user("bob").await);
    let eve = admin.new_user("eve").await;
    for setting in ["AutoTranslate_Enabled", "E2E_Enable"] {
        let on = json!({"value": true});
        admin.post(&format!("settings/{setting}"), on).await.ok();
    }
    let wish = json!({"name": "hideaway7", "members": ["bob"]});
    let den = id(&alice.post("groups.create", wish).await.ok(), "group");
    let talk = alice
        .post("im.create", json!({"username": "bob"}))
        .await
        .ok();
    let talk = talk["room"]["rid"].as_str().unwrap().to_owned();
    let mut messages = Vec::new();
    for room in [&den, &talk] {
        let wish = json!({"roomId": room, "text": "between us"});
        messages.push(id(
            &alice.post("chat.postMessage", wish).await.ok(),
            "message",
        ));
    }
    let reply = json!({"message": {"rid": den, "msg": "reply", "tmid": messages[0]}});
    messages.push(id(
        &bob.post("chat.sendMessage", reply).await.ok(),
        "message",
    ));
    // A channel, but of a private team.
    let crew = json!({"name": "crew7", "type": 1});
    let crew = id(&alice.post("teams.create", crew).await.ok(), "team");
    let back = json!({"name": "backroom7", "extraData": {"teamId": crew}});
    let back = id(&alice.post("channels.create", back).await.ok(), "channel");
    let topic = json!({"roomId": den, "topic": "secrets"});
    alice.post("groups.setTopic", topic).await.ok();
    let history = alice
        .get(&format!("groups.messages?roomId={den}"))
        .await
        .ok();
    let system = history["messages"]
        .as_array()
        .unwrap()
        .iter()
        .find(|message| message["t"] == "room_changed_topic")
        .expect("a system message")["_id"]
        .as_str()
        .unwrap()
        .to_owned();
    messages.push(system.clone());

    let rooms = [den.clone(), talk.clone()];
    let mut live = Live::connect(&server, &alice, None).await;
    live.send(&json!({"subscribe": {"rooms": rooms, "self": true}}))
        .await;
    live.answer("ready").await;
    // Only now: being connected shows in the list of members.
    let before = seen(&alice, &rooms, &messages).await;

    let target = |room: &str, name: &str, message: &str| Target {
        room: room.to_owned(),
        name: name.to_owned(),
        message: message.to_owned(),
    };
    let nothing = target("nosuchroomatall17", "nosuchname", "nosuchmessage1234");
    let others = [
        ("EVE", eve.user_id.as_str()),
        ("ALICE", alice.user_id.as_str()),
    ];
    let mut answers = String::new();
    for request in requests(ROOMS) {
        let unknown = ask(&eve, &nothing, &request, &others).await;
        note(&mut answers, &request, &unknown);
        for there in [
            target(&den, "hideaway7", &nothing.message),
            target(&talk, "nosuchname", &nothing.message),
            target(&back, "backroom7", &nothing.message),
        ] {
            let told = ask(&eve, &there, &request, &others).await;
            assert_eq!(
                told, unknown,
                "{request:?} tells that there is {}",
                there.room
            );
        }
    }
    for request in requests(MESSAGES) {
        let unknown = ask(&eve, &nothing, &request, &others).await;
        note(&mut answers, &request, &unknown);
        for message in &messages {
            let room = if *message == messages[1] { &talk } else { &den };
            let told = ask(&eve, &target(room, "hideaway7", message), &request, &others).await;
            assert_eq!(told, unknown, "{request:?} tells that there is a message");
        }
    }
    assert_golden(&answers);
    // Nor is a room found by its name in a text.
    let wish = json!({"roomId": "GENERAL", "text": "#hideaway7 #general"});
    let posted = eve.post("chat.postMessage", wish).await.ok();
    let general = json!([{"_id": "GENERAL", "name": "general"}]);
    assert_eq!(posted["message"]["channels"], general);
    // That an id is taken cannot be hidden, but nothing comes of it.
    for message in &messages {
        let take = json!({"message": {"rid": "GENERAL", "msg": "mine", "_id": message}});
        eve.post("chat.sendMessage", take).await.refused(400);
    }

    assert_eq!(seen(&alice, &rooms, &messages).await, before);
    while let Some(frame) = live.next_update(Duration::from_millis(300)).await {
        let text = frame.to_string();
        let named = rooms.iter().chain(&messages).find(|id| text.contains(*id));
        assert_eq!(named, None, "members were told: {text}");
    }
}

tests::on_both_logs!(a_stranger_gets_in_by_no_id);

#[tokio::test]
async fn every_route_that_names_a_room_or_a_message_is_tried() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let document = admin.get("openapi.json").await.body;
    let tried: BTreeSet<String> = requests(ROOMS)
        .into_iter()
        .chain(requests(MESSAGES))
        .filter(|(path, _)| !path.starts_with("METHOD "))
        .map(|(path, _)| {
            let path = path.strip_prefix("GET ").unwrap_or(&path);
            format!("/api/v1/{}", path.split('?').next().unwrap_or(path))
        })
        .collect();
    let mut missing = Vec::new();
    for (path, operations) in document["paths"].as_object().expect("paths") {
        for operation in operations.as_object().expect("operations").values() {
            let body = &operation["requestBody"]["content"]["application/json"]["schema"];
            let fields = body["properties"]
                .as_object()
                .into_iter()
                .flat_map(serde_json::Map::keys);
            let query = operation["parameters"].as_array().into_iter().flatten();
            let mut names = query
                .filter_map(|parameter| parameter["name"].as_str())
                .chain(fields.map(String::as_str));
            if names.any(|name| NAMED.contains(&name))
                && !tried.contains(path)
                && !OTHERWISE.contains(&path.as_str())
            {
                missing.push(path.clone());
            }
        }
    }
    assert!(missing.is_empty(), "no stranger tries {missing:?}");
}
