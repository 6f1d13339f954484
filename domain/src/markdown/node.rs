//! The tree of a message, as clients read it: its JSON is that of the npm package `@rocket.chat/message-parser`.
#![expect(missing_docs, reason = "variants and fields are those of the wire")]

use std::borrow::Cow;

use serde::Serialize;

/// What a whole message is made of.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Root<'a>(pub Vec<Block<'a>>);

/// Something that has its lines to itself.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Block<'a> {
    /// A message of one to three emoji and nothing else, which are shown big.
    BigEmoji {
        value: Vec<Inline<'a>>,
    },
    Paragraph {
        value: Vec<Inline<'a>>,
    },
    Heading {
        level: usize,
        value: Vec<Inline<'a>>,
    },
    Code {
        language: &'a str,
        value: Vec<CodeLine<'a>>,
    },
    Quote {
        value: Vec<Line<'a>>,
    },
    /// Hidden until somebody wants to see it.
    SpoilerBlock {
        value: Vec<Line<'a>>,
    },
    UnorderedList {
        value: Vec<ListItem<'a>>,
    },
    OrderedList {
        value: Vec<ListItem<'a>>,
    },
    Tasks {
        value: Vec<Task<'a>>,
    },
    Katex {
        value: &'a str,
    },
    HorizontalRule {
        fallback: Span,
    },
    Table {
        value: Table<'a>,
        fallback: Span,
    },
    LineBreak,
}

/// A line of text in something else.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename = "PARAGRAPH")]
pub struct Line<'a> {
    pub value: Vec<Inline<'a>>,
}

/// A line of code.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename = "CODE_LINE")]
pub struct CodeLine<'a> {
    pub value: Plain<'a>,
}

/// One of a list; numbered, if the list is ordered.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename = "LIST_ITEM")]
pub struct ListItem<'a> {
    pub value: Vec<Inline<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
}

/// Something to do, or done.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename = "TASK")]
pub struct Task<'a> {
    pub status: bool,
    pub value: Vec<Inline<'a>>,
}

/// Rows below a header, each with as many cells as that.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Table<'a> {
    pub header: Vec<Cell<'a>>,
    pub rows: Vec<Row<'a>>,
}

/// A row of a table.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename = "TABLE_ROW")]
pub struct Row<'a> {
    pub value: Vec<Cell<'a>>,
}

/// A cell of a table.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename = "TABLE_CELL")]
pub struct Cell<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub align: Option<Align>,
    pub value: Vec<Inline<'a>>,
}

/// To which side the cells of a column keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Align {
    Left,
    Center,
    Right,
}

/// Something in a line.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Inline<'a> {
    PlainText {
        value: Cow<'a, str>,
    },
    Bold {
        value: Vec<Inline<'a>>,
    },
    Italic {
        value: Vec<Inline<'a>>,
    },
    Strike {
        value: Vec<Inline<'a>>,
    },
    Spoiler {
        value: Vec<Inline<'a>>,
    },
    InlineCode {
        value: Plain<'a>,
    },
    Link {
        value: Link<'a>,
    },
    Image {
        value: Image<'a>,
    },
    /// Somebody, or what looks so: nobody asked whether they exist.
    MentionUser {
        value: Plain<'a>,
    },
    MentionChannel {
        value: Plain<'a>,
    },
    /// An emoji by its name, or by an emoticon.
    Emoji {
        value: Plain<'a>,
        #[serde(rename = "shortCode")]
        short_code: &'a str,
    },
    /// An emoji as a character.
    #[serde(rename = "EMOJI")]
    EmojiCharacter {
        unicode: &'a str,
    },
    Color {
        value: Color,
    },
    InlineKatex {
        value: &'a str,
    },
    Timestamp {
        value: Moment,
        fallback: Span,
    },
}

/// A text and nothing more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename = "PLAIN_TEXT")]
pub struct Plain<'a> {
    pub value: Cow<'a, str>,
}

/// Where a link leads, and what it is called.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Link<'a> {
    pub src: Plain<'a>,
    pub label: Vec<Inline<'a>>,
}

/// Where a picture is, and what it is called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Image<'a> {
    pub src: Plain<'a>,
    pub label: Plain<'a>,
}

/// A colour with its opacity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Color {
    pub r: u8,
    pub g: u8,
    pub b: u8,
    pub a: u8,
}

/// A time that clients show in the zone and the words of the reader.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Moment {
    /// Seconds since 1970, as text.
    pub timestamp: String,
    /// How to show it: one of `tTdDfFR`.
    pub format: char,
}

/// From where to where in the message, for clients that do not know what stands there. Counted in UTF-16 code units,
/// as their strings are.
pub type Span = [usize; 2];

impl<'a> From<&'a str> for Plain<'a> {
    fn from(text: &'a str) -> Self {
        Self {
            value: Cow::Borrowed(text),
        }
    }
}

impl<'a> Inline<'a> {
    /// Text as it stands.
    pub(super) fn plain(text: &'a str) -> Self {
        Self::PlainText {
            value: Cow::Borrowed(text),
        }
    }

    /// A link as it stands in a text.
    pub(super) fn link(src: String, label: &'a str) -> Self {
        let src = Plain {
            value: Cow::Owned(src),
        };
        let label = vec![Self::plain(label)];
        Self::Link {
            value: Link { src, label },
        }
    }
}
