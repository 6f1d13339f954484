//! What the index knows of a message. People and rooms are in it by their ids, so that nothing is indexed anew when they are
//! called otherwise; what a message says is not in it, and read from the view of messages.

use domain::message::{Content, Mention, MessagePosted, Presentation};
use domain::{MessageId, RoomId, Timestamp, UserId};
use eventstore::Position;
use serde_json::Value;
use tantivy::TantivyDocument;
use tantivy::schema::{
    FAST, Field, INDEXED, IndexRecordOption, STRING, Schema, TextFieldIndexing, TextOptions,
};

use super::tokens::{self, Stems};

/// Raise it with every change of fields, of words, or of what is indexed.
pub(crate) const VERSION: u32 = 1;

/// The longest part of what is said of an attachment, in characters.
const LONGEST_PART: usize = 200;

/// The most attachments, and labels of one, that are looked at.
const MOST_PARTS: usize = 20;

/// What everybody who is called by `@all` and `@here` is called in the index.
pub(super) const ALL: &str = "all";
pub(super) const HERE: &str = "here";

/// What a message has.
pub(super) const LINK: &str = "link";
pub(super) const LOCATION: &str = "location";

/// The fields of the index.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields {
    /// The position of the event that made it: how the view of messages knows it, and its place among all.
    pub(super) position: Field,
    pub(super) message: Field,
    pub(super) room: Field,
    pub(super) author: Field,
    pub(super) mentioned: Field,
    pub(super) at: Field,
    pub(super) has: Field,
    pub(super) words: Field,
    pub(super) stems: Field,
    pub(super) labels: Field,
    pub(super) descriptions: Field,
    pub(super) titles: Field,
    /// Of a document that stands for a direct message room: who is in it. It has no room, so that no search finds it.
    pub(super) between: Field,
}

/// A field by which results are put in order.
pub(super) const POSITION: &str = "position";

pub(super) fn schema() -> (Schema, Fields) {
    let mut schema = Schema::builder();
    let text = |option| {
        let indexing = TextFieldIndexing::default().set_tokenizer("raw");
        TextOptions::default().set_indexing_options(indexing.set_index_option(option))
    };
    let fields = Fields {
        position: schema.add_u64_field(POSITION, FAST),
        message: schema.add_text_field("message", STRING),
        room: schema.add_text_field("room", STRING),
        author: schema.add_text_field("author", STRING),
        mentioned: schema.add_text_field("mentioned", STRING),
        at: schema.add_i64_field("at", FAST | INDEXED),
        has: schema.add_text_field("has", STRING),
        words: schema.add_text_field("words", text(IndexRecordOption::WithFreqsAndPositions)),
        stems: schema.add_text_field("stems", text(IndexRecordOption::WithFreqs)),
        labels: schema.add_text_field("labels", STRING),
        descriptions: schema.add_text_field("descriptions", STRING),
        titles: schema.add_text_field("titles", STRING),
        between: schema.add_text_field("between", STRING),
    };
    (schema.build(), fields)
}

/// A message as it is found.
pub(super) struct Said {
    pub(super) position: Position,
    pub(super) message: MessageId,
    pub(super) room: RoomId,
    pub(super) author: UserId,
    pub(super) at: Timestamp,
    pub(super) content: Content,
    pub(super) has_location: bool,
}

impl Said {
    /// `None`: nobody but those who have the keys can read it.
    pub(super) fn of(position: Position, posted: &MessagePosted) -> Option<Self> {
        let presentation = posted.presentation.as_deref();
        let hides = |one: &Presentation| one.encrypted.is_some();
        if presentation.is_some_and(hides) {
            return None;
        }
        Some(Self {
            position,
            message: posted.message.clone(),
            room: posted.room.clone(),
            author: posted.author.clone(),
            at: posted.at,
            content: posted.content.clone(),
            has_location: presentation.is_some_and(|one| one.location.is_some()),
        })
    }

    pub(super) fn edit(&mut self, content: Content) {
        let attachments = self.content.attachments.take();
        self.content = content;
        self.content.attachments = self.content.attachments.take().or(attachments);
    }

    pub(super) fn document(&self, fields: &Fields, stems: &mut Stems) -> TantivyDocument {
        let mut doc = TantivyDocument::new();
        doc.add_u64(fields.position, self.position.get());
        doc.add_text(fields.message, self.message.as_str());
        doc.add_text(fields.room, self.room.as_str());
        doc.add_text(fields.author, self.author.as_str());
        doc.add_i64(fields.at, self.at.as_millis());
        for mention in &self.content.mentions {
            let called = match mention {
                Mention::User(user) => user.as_str(),
                Mention::All => ALL,
                Mention::Here => HERE,
                Mention::Team { .. } | Mention::Role(_) => continue,
            };
            doc.add_text(fields.mentioned, called);
        }
        if self.content.urls.iter().flatten().next().is_some() {
            doc.add_text(fields.has, LINK);
        }
        if self.has_location {
            doc.add_text(fields.has, LOCATION);
        }
        let (words, stems) = tokens::of_message(&self.content.text, stems);
        doc.add_pre_tokenized_text(fields.words, words);
        doc.add_pre_tokenized_text(fields.stems, stems);
        let attachments = self.content.attachments.as_deref().unwrap_or_default();
        for attachment in attachments.iter().take(MOST_PARTS) {
            add_part(&mut doc, fields.descriptions, &attachment["description"]);
            add_part(&mut doc, fields.titles, &attachment["title"]);
        }
        if let Some(first) = attachments.first() {
            match &first["labels"] {
                Value::Array(labels) => {
                    for label in labels.iter().take(MOST_PARTS) {
                        add_part(&mut doc, fields.labels, label);
                    }
                }
                label => add_part(&mut doc, fields.labels, label),
            }
        }
        doc
    }
}

fn add_part(doc: &mut TantivyDocument, field: Field, value: &Value) {
    if let Some(text) = value.as_str() {
        doc.add_text(field, part(text));
    }
}

/// What is said of an attachment, as any part of it is looked for.
pub(super) fn part(text: &str) -> String {
    let part = domain::text::cut(text, LONGEST_PART).to_lowercase();
    part.replace(['\n', '\r'], " ")
}

/// A direct message room, and who it is between.
pub(super) fn direct(
    fields: &Fields,
    position: Position,
    participants: &[UserId],
) -> TantivyDocument {
    let mut doc = TantivyDocument::new();
    doc.add_u64(fields.position, position.get());
    for user in participants {
        doc.add_text(fields.between, user.as_str());
    }
    doc
}
