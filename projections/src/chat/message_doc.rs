//! The wire document of a message (contract, messages 2), and how it comes from what was posted.

use std::collections::BTreeMap;

use compact_str::CompactString;
use domain::mention::spotify_pages;
use domain::message::{Content, Mention, MessageEdited, MessagePosted, ParsedUrl, Preview};
use domain::{MessageId, RoomId, Timestamp, UserId, markdown};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::iso::Date;
use crate::json;
use crate::names::{Names, UserRef};

/// The `type` of a user who is mentioned.
const USER: &str = "user";

/// A message as clients see it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MessageDoc {
    #[serde(rename = "_id")]
    pub(crate) id: MessageId,
    pub(crate) rid: RoomId,
    pub(crate) msg: String,
    /// The text as a tree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) md: Option<Box<RawValue>>,
    pub(crate) ts: Date,
    #[serde(rename = "u")]
    pub(crate) author: UserRef,
    #[serde(rename = "_updatedAt")]
    pub(crate) updated_at: Date,
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    pub(crate) kind: Option<CompactString>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) groupable: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) role: Option<CompactString>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) urls: Option<Vec<UrlDoc>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) mentions: Option<Vec<MentionDoc>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) channels: Option<Vec<ChannelDoc>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) attachments: Option<Vec<Value>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) alias: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) avatar: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) emoji: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) parse_urls: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) bot: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) blocks: Option<Vec<Value>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) location: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) custom_fields: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) e2e: Option<String>,
    #[serde(rename = "content", default, skip_serializing_if = "Option::is_none")]
    pub(crate) encrypted_content: Option<Value>,
    #[serde(
        rename = "e2eMentions",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub(crate) encrypted_mentions: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) otr_ack: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reactions: Option<Reactions>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pinned: Option<bool>,
    /// When the pin was set, or taken off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pinned_at: Option<Date>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pinned_by: Option<UserRef>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) edited_at: Option<Date>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) edited_by: Option<UserRef>,
    #[serde(rename = "tmid", default, skip_serializing_if = "Option::is_none")]
    pub(crate) thread: Option<MessageId>,
    #[serde(rename = "tshow", default, skip_serializing_if = "Option::is_none")]
    pub(crate) shown_in_room: Option<bool>,
    #[serde(rename = "tcount", default, skip_serializing_if = "Option::is_none")]
    pub(crate) reply_count: Option<i64>,
    #[serde(rename = "tlm", default, skip_serializing_if = "Option::is_none")]
    pub(crate) last_reply: Option<Date>,
    /// The followers of the thread; the wire's name is a misnomer.
    #[serde(rename = "replies", default, skip_serializing_if = "Option::is_none")]
    pub(crate) followers: Option<Vec<UserId>>,
    /// The discussion it tells of.
    #[serde(rename = "drid", default, skip_serializing_if = "Option::is_none")]
    pub(crate) discussion: Option<RoomId>,
    /// How many messages that has.
    #[serde(rename = "dcount", default, skip_serializing_if = "Option::is_none")]
    pub(crate) discussion_count: Option<i64>,
    /// When the last of them was sent.
    #[serde(rename = "dlm", default, skip_serializing_if = "Option::is_none")]
    pub(crate) last_in_discussion: Option<Date>,
}

/// A link in a message, and what the server knows of it (contract, messages 2.2).
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UrlDoc {
    pub(crate) url: String,
    #[serde(default)]
    pub(crate) meta: Map<String, Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) headers: Option<HeadersDoc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) parsed_url: Option<ParsedUrlDoc>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) ignore_parse: bool,
    /// The URI that stands in the text instead of the link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) source: Option<String>,
}

/// What the server of a page says about it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HeadersDoc {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) content_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) content_length: Option<String>,
}

/// A link, taken apart; what it does not have is null.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ParsedUrlDoc {
    pub(crate) host: Option<String>,
    pub(crate) hash: Option<String>,
    pub(crate) pathname: Option<String>,
    pub(crate) protocol: Option<String>,
    pub(crate) port: Option<String>,
    pub(crate) query: Option<String>,
    pub(crate) search: Option<String>,
    pub(crate) hostname: Option<String>,
}

impl From<ParsedUrl> for ParsedUrlDoc {
    fn from(parsed: ParsedUrl) -> Self {
        Self {
            host: parsed.host,
            hash: parsed.fragment,
            pathname: parsed.pathname,
            protocol: parsed.protocol,
            port: parsed.port,
            query: parsed.query,
            search: parsed.search,
            hostname: parsed.hostname,
        }
    }
}

impl UrlDoc {
    pub(crate) fn of(preview: &Preview) -> Self {
        let mut link = Self {
            url: preview.url.clone(),
            ..Self::default()
        };
        link.preview(preview);
        link
    }

    fn preview(&mut self, preview: &Preview) {
        self.meta.clone_from(&preview.meta);
        self.headers = preview.headers.as_ref().map(|headers| HeadersDoc {
            content_type: headers.content_type.clone(),
            content_length: headers.content_length.clone(),
        });
        self.parsed_url = preview.parsed.clone().map(ParsedUrlDoc::from);
    }
}

/// A user mentioned in a message.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct MentionDoc {
    #[serde(flatten)]
    pub(crate) user: UserRef,
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub(crate) kind: Option<CompactString>,
}

/// A room mentioned in a message.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ChannelDoc {
    #[serde(rename = "_id")]
    pub(crate) id: RoomId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<CompactString>,
}

/// Who reacted with what. Deleting with a placeholder leaves an empty list instead.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Reactions {
    /// By emoji, colons included.
    By(BTreeMap<String, Reaction>),
    /// What is left after deletion.
    Erased([u8; 0]),
}

/// Who reacted with one emoji, in order.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Reaction {
    pub(crate) usernames: Vec<CompactString>,
}

impl MessageDoc {
    /// A message with only the fields that every message has.
    pub(crate) fn bare(
        id: MessageId,
        rid: RoomId,
        author: UserRef,
        ts: Timestamp,
        updated_at: Timestamp,
    ) -> Self {
        Self {
            id,
            rid,
            msg: String::new(),
            md: None,
            ts: Date(ts),
            author,
            updated_at: Date(updated_at),
            kind: None,
            groupable: None,
            role: None,
            urls: None,
            mentions: None,
            channels: None,
            attachments: None,
            alias: None,
            avatar: None,
            emoji: None,
            parse_urls: None,
            bot: None,
            blocks: None,
            location: None,
            custom_fields: None,
            e2e: None,
            encrypted_content: None,
            encrypted_mentions: None,
            otr_ack: None,
            reactions: None,
            pinned: None,
            pinned_at: None,
            pinned_by: None,
            edited_at: None,
            edited_by: None,
            thread: None,
            shown_in_room: None,
            reply_count: None,
            last_reply: None,
            followers: None,
            discussion: None,
            discussion_count: None,
            last_in_discussion: None,
        }
    }

    pub(crate) fn posted(
        event: &MessagePosted,
        recorded_at: Timestamp,
        names: &mut dyn Names,
    ) -> rusqlite::Result<Self> {
        let author = UserRef::full(names, &event.author)?;
        let mut doc = Self::bare(
            event.message.clone(),
            event.room.clone(),
            author,
            event.at,
            recorded_at,
        );
        doc.say(&event.content, names)?;
        doc.thread.clone_from(&event.thread);
        doc.shown_in_room = event.shown_in_room.then_some(true);
        if let Some(presentation) = event.presentation.as_deref() {
            doc.alias.clone_from(&presentation.alias);
            doc.avatar.clone_from(&presentation.avatar);
            doc.emoji.clone_from(&presentation.emoji);
            doc.groupable = presentation.groupable.filter(|groupable| !groupable);
            doc.parse_urls = presentation.parse_urls;
            doc.bot.clone_from(&presentation.bot);
            doc.blocks.clone_from(&presentation.blocks);
            doc.location.clone_from(&presentation.location);
            doc.custom_fields.clone_from(&presentation.custom_fields);
            doc.kind = presentation.encrypted.as_ref().map(CompactString::new);
            doc.e2e.clone_from(&presentation.e2e);
            doc.encrypted_content
                .clone_from(&presentation.encrypted_content);
            doc.encrypted_mentions
                .clone_from(&presentation.encrypted_mentions);
            doc.otr_ack.clone_from(&presentation.otr_ack);
        }
        doc.parse(names)?;
        Ok(doc)
    }

    pub(crate) fn edit(
        &mut self,
        edited: &MessageEdited,
        names: &mut dyn Names,
    ) -> rusqlite::Result<()> {
        self.say(&edited.content, names)?;
        let hidden = edited.hidden.as_deref();
        self.encrypted_content = hidden.map(|hidden| hidden.content.clone());
        self.encrypted_mentions = hidden.and_then(|hidden| hidden.mentions.clone());
        if edited.custom_fields.is_some() {
            self.custom_fields.clone_from(&edited.custom_fields);
        }
        self.edited_at = Some(Date(edited.at));
        self.parse(names)
    }

    /// Makes the tree of the text, unless that is encrypted.
    fn parse(&mut self, names: &dyn Names) -> rusqlite::Result<()> {
        self.md = match self.kind.as_deref() {
            None if !self.msg.is_empty() => {
                let root = markdown::parse(&self.msg, &names.markdown());
                Some(json::raw(&root)?)
            }
            _ => None,
        };
        Ok(())
    }

    /// Sets the send time, if it differs from the one in the event.
    pub(crate) fn sent(&mut self, at: Option<Timestamp>) {
        self.ts = at.map_or(self.ts, Date);
    }

    pub(crate) fn say(&mut self, content: &Content, names: &mut dyn Names) -> rusqlite::Result<()> {
        self.msg.clone_from(&content.text);
        self.link(content);
        if content.attachments.is_some() {
            self.attachments.clone_from(&content.attachments);
        }
        let mut mentions = Vec::with_capacity(content.mentions.len());
        for mention in &content.mentions {
            mentions.push(match mention {
                Mention::User(user) => MentionDoc {
                    user: UserRef::full(names, user)?,
                    kind: Some(CompactString::const_new(USER)),
                },
                Mention::All => MentionDoc::group("all"),
                Mention::Here => MentionDoc::group("here"),
                Mention::Team { team, room } => {
                    let named = names.room(room)?.and_then(|room| room.name);
                    let named = named.unwrap_or_else(|| CompactString::new(team));
                    MentionDoc::called(team.as_str(), named, "team")
                }
                Mention::Role(role) => MentionDoc::called(role.as_str(), names.role(role), "role"),
            });
        }
        self.mentions = Some(mentions);
        let mut channels = Vec::with_capacity(content.channels.len());
        for room in &content.channels {
            let name = names.room(room)?.and_then(|room| room.name);
            channels.push(ChannelDoc {
                id: room.clone(),
                name,
            });
        }
        self.channels = Some(channels);
        Ok(())
    }

    /// The links. What is known of those that stay is kept.
    fn link(&mut self, content: &Content) {
        let known = self.urls.take().unwrap_or_default();
        let kept: Vec<&str> = content.to_preview().collect();
        let known = |url: &str| {
            let known = known.iter().find(|known| known.url == url);
            known.filter(|_| kept.contains(&url)).cloned()
        };
        self.urls = content.urls.as_ref().map(|urls| {
            let pages = spotify_pages(&content.text);
            let source = |url: &str| {
                let found = pages.iter().find(|(page, _)| page == url);
                found.map(|(_, uri)| (*uri).to_owned())
            };
            let links = urls.iter().map(|url| UrlDoc {
                url: url.clone(),
                ignore_parse: content.quoted.contains(url),
                source: source(url),
                ..known(url).unwrap_or_default()
            });
            links.collect()
        });
    }

    /// Adds what the server found out about links.
    pub(crate) fn preview(&mut self, previews: &[Preview]) {
        for link in self.urls.iter_mut().flatten() {
            if let Some(preview) = previews.iter().find(|preview| preview.url == link.url) {
                link.preview(preview);
            }
        }
    }

    /// Who is mentioned by name.
    pub(crate) fn mentioned(&self) -> Vec<UserId> {
        let mentions = self.mentions.iter().flatten();
        mentions
            .filter(|mention| mention.kind.as_deref() == Some(USER))
            .map(|mention| mention.user.id.clone())
            .collect()
    }

    /// Removes all content and leaves a place (contract, messages 5.2).
    pub(crate) fn blank(&mut self, by: UserRef, at: Timestamp) {
        self.msg.clear();
        self.md = None;
        self.kind = Some(CompactString::const_new("rm"));
        self.urls = Some(Vec::new());
        self.mentions = Some(Vec::new());
        self.attachments = Some(Vec::new());
        self.reactions = Some(Reactions::Erased([]));
        self.blocks = None;
        self.location = None;
        self.custom_fields = None;
        self.bot = None;
        self.encrypted_content = None;
        self.encrypted_mentions = None;
        self.otr_ack = None;
        self.shown_in_room = None;
        self.pinned = None;
        self.pinned_at = None;
        self.pinned_by = None;
        self.edited_at = Some(Date(at));
        self.edited_by = Some(by);
    }

    /// Adds a reaction. Reacting twice with the same emoji changes nothing.
    pub(crate) fn react(&mut self, emoji: &str, username: CompactString) {
        let mut by = match self.reactions.take() {
            Some(Reactions::By(by)) => by,
            _ => BTreeMap::new(),
        };
        let reaction = by.entry(emoji.to_owned()).or_default();
        if !reaction.usernames.contains(&username) {
            reaction.usernames.push(username);
        }
        self.reactions = Some(Reactions::By(by));
    }

    pub(crate) fn unreact(&mut self, emoji: &str, username: &str) {
        let Some(Reactions::By(by)) = &mut self.reactions else {
            return;
        };
        if let Some(reaction) = by.get_mut(emoji) {
            reaction.usernames.retain(|name| name != username);
            if reaction.usernames.is_empty() {
                by.remove(emoji);
            }
        }
        if by.is_empty() {
            self.reactions = None;
        }
    }

    /// Replaces the user name of a user wherever the document has it.
    pub(crate) fn rename(
        &mut self,
        user: &UserId,
        old: Option<&str>,
        new: &CompactString,
        names: &dyn Names,
    ) -> rusqlite::Result<()> {
        let rename = |one: &mut UserRef| {
            if one.id == *user {
                one.username.clone_from(new);
            }
        };
        rename(&mut self.author);
        self.edited_by.iter_mut().for_each(rename);
        self.pinned_by.iter_mut().for_each(rename);
        let mut called = false;
        for mention in self.mentions.iter_mut().flatten() {
            called |= mention.user.id == *user;
            rename(&mut mention.user);
        }
        if let Some(old) = old.filter(|_| called) {
            self.msg = call_anew(&self.msg, old, new);
            self.parse(names)?;
        }
        if let Some(Reactions::By(by)) = &mut self.reactions {
            for name in by.values_mut().flat_map(|reaction| &mut reaction.usernames) {
                if Some(name.as_str()) == old {
                    name.clone_from(new);
                }
            }
        }
        Ok(())
    }
}

/// The text with another name after each `@` that mentioned a user by the old one.
fn call_anew(text: &str, old: &str, new: &str) -> String {
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
    let mut said = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('@') {
        let (before, from) = rest.split_at(at);
        said.push_str(before);
        let after = from[1..].strip_prefix(old).filter(|after| {
            let mut following = after.chars();
            let ends = match following.next() {
                // A dot ends a sentence, or goes on within a name.
                Some('.') => !following.next().is_some_and(is_word),
                Some(next) => !is_word(next),
                None => true,
            };
            // Within a word it is part of an address.
            ends && !said.chars().next_back().is_some_and(is_word)
        });
        said.push('@');
        rest = if let Some(after) = after {
            said.push_str(new);
            after
        } else {
            &from[1..]
        };
    }
    said + rest
}

impl MentionDoc {
    fn group(word: &'static str) -> Self {
        let id = UserId::new(word);
        Self {
            user: UserRef {
                id,
                username: CompactString::const_new(word),
                name: None,
            },
            kind: None,
        }
    }

    /// A team or a role.
    fn called(id: &str, name: CompactString, kind: &'static str) -> Self {
        Self {
            user: UserRef {
                id: UserId::new(id),
                username: name.clone(),
                name: Some(name),
            },
            kind: Some(CompactString::const_new(kind)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::call_anew;

    #[test]
    fn only_whole_names_are_replaced() {
        for (before, after) in [
            ("ask @ann", "ask @anna"),
            ("@ann, @ann. @ann!", "@anna, @anna. @anna!"),
            ("@annie @ann.lee @ann-1 @Ann", "@annie @ann.lee @ann-1 @Ann"),
            ("mail x@ann or @@ann", "mail x@ann or @@anna"),
            ("(@ann)@", "(@anna)@"),
            ("nobody", "nobody"),
        ] {
            assert_eq!(call_anew(before, "ann", "anna"), after);
        }
    }
}
