//! What parsing keeps in mind: the text, how much work is left, what was found where.

use std::borrow::Cow;
use std::ops::Range;

use super::node::{Inline, Span};
use super::{Options, WORK};

/// So many bytes that are only looked through are a step.
pub(super) const BYTES: usize = 8;

/// Parses one text.
pub(super) struct Parser<'a, 'o> {
    pub(super) text: &'a str,
    pub(super) options: &'o Options,
    /// How many steps are left.
    work: usize,
    seekers: [Seeker; NEEDLES.len()],
    /// Where no address of a page and no mail address begins.
    pub(super) no_page: Range<usize>,
    pub(super) no_mail: Range<usize>,
    /// A `](` that no target follows.
    pub(super) no_target: Option<usize>,
    /// So many bytes are so many UTF-16 code units.
    units: (usize, usize),
}

/// What is looked for ahead.
#[derive(Clone, Copy)]
pub(super) enum Needle {
    LineEnd,
    Bold,
    Italic,
    Strike,
    Code,
    Spoiler,
    Dollar,
    Parenthesis,
    Target,
    Fence,
    Dollars,
    Square,
}

const NEEDLES: [&str; 12] = [
    "\n", "*", "_", "~", "`", "||", "$", "\\)", "](", "```", "$$", "\\]",
];

/// Where the next one is, for those who ask from `from` on.
#[derive(Clone, Copy)]
struct Seeker {
    from: usize,
    next: Option<usize>,
}

impl<'a, 'o> Parser<'a, 'o> {
    pub(super) fn new(text: &'a str, options: &'o Options) -> Self {
        Self {
            text,
            options,
            work: Self::allowed(text),
            seekers: [Seeker {
                from: usize::MAX,
                next: None,
            }; NEEDLES.len()],
            no_page: 0..0,
            no_mail: 0..0,
            no_target: None,
            units: (0, 0),
        }
    }

    /// How many steps a text may need.
    fn allowed(text: &str) -> usize {
        text.len().saturating_mul(WORK).saturating_add(WORK)
    }

    /// How many steps were needed so far.
    #[cfg(test)]
    pub(super) fn worked(&self) -> usize {
        Self::allowed(self.text) - self.work
    }

    /// Does so many steps, if they are allowed.
    pub(super) fn work(&mut self, steps: usize) -> bool {
        let enough = self.work >= steps;
        self.work = self.work.saturating_sub(steps);
        enough
    }

    pub(super) fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    /// Where the next of these is from here on.
    pub(super) fn seek(&mut self, needle: Needle, from: usize) -> Option<usize> {
        let seeker = self.seekers[needle as usize];
        if seeker.from <= from && seeker.next.is_none_or(|next| next >= from) {
            return seeker.next;
        }
        let found = self.text.get(from..)?.find(NEEDLES[needle as usize]);
        self.work(found.unwrap_or(self.text.len() - from) / BYTES);
        let next = found.map(|length| from + length);
        self.seekers[needle as usize] = Seeker { from, next };
        next
    }

    /// The end of the line, without its line break.
    pub(super) fn line_end(&mut self, from: usize) -> usize {
        self.seek(Needle::LineEnd, from).unwrap_or(self.text.len())
    }

    pub(super) fn span(&mut self, from: usize, to: usize) -> Span {
        [self.unit(from), self.unit(to)]
    }

    fn unit(&mut self, at: usize) -> usize {
        let (known, units) = match self.units {
            (known, units) if known <= at => (known, units),
            _ => (0, 0),
        };
        self.work((at - known) / BYTES);
        let more: usize = self.text[known..at].chars().map(char::len_utf16).sum();
        self.units = (at, units + more);
        units + more
    }
}

/// A sequence of tokens.
#[derive(Default)]
pub(super) struct Items<'a> {
    list: Vec<Item<'a>>,
    /// Where the last word was: no `_` directly behind it opens anything.
    word: (usize, usize),
}

enum Item<'a> {
    /// Text from here to there.
    Text(usize, usize),
    /// An emoji that is written from here to there. `apart`: it is none where text or another emoji adjoins it.
    Emoji {
        span: (usize, usize),
        node: Inline<'a>,
        apart: bool,
    },
    Node(Inline<'a>),
}

impl<'a> Items<'a> {
    pub(super) fn text(&mut self, from: usize, to: usize) {
        self.list.push(Item::Text(from, to));
    }

    /// Text that is no token, perhaps a word.
    pub(super) fn word(&mut self, from: usize, to: usize) {
        self.text(from, to);
        self.word = (from, to);
    }

    pub(super) fn node(&mut self, node: Inline<'a>) {
        self.list.push(Item::Node(node));
    }

    pub(super) fn emoji(&mut self, span: (usize, usize), node: Inline<'a>, apart: bool) {
        self.list.push(Item::Emoji { span, node, apart });
    }

    /// Adds what is not enclosed after all: emoji that are written with other characters are text in it.
    pub(super) fn append(&mut self, other: Self) {
        self.list
            .extend(other.list.into_iter().map(|item| match item {
                Item::Emoji {
                    span: (from, to),
                    apart: true,
                    ..
                } => Item::Text(from, to),
                item => item,
            }));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether a word of letters and digits in ASCII ends here.
    pub(super) fn word_ends(&self, text: &str, at: usize) -> bool {
        let (from, to) = self.word;
        let mut word = text.as_bytes()[from..to].iter();
        to == at && from < to && word.all(u8::is_ascii_alphanumeric)
    }

    /// Whether the last of them is text that ends with one of these.
    pub(super) fn end_with(&self, text: &str, characters: &[char]) -> bool {
        match self.list.last() {
            Some(Item::Text(from, to)) => text[*from..*to].ends_with(characters),
            _ => false,
        }
    }

    /// Whether this byte stands somewhere alone, as a token that nothing escaped.
    pub(super) fn has_bare(&self, text: &str, byte: u8) -> bool {
        let bytes = text.as_bytes();
        self.list.iter().any(|item| match item {
            Item::Text(from, to) => {
                bytes[*from..*to] == [byte] && (*from == 0 || bytes[from - 1] != b'\\')
            }
            _ => false,
        })
    }

    /// Without the blanks at the end.
    pub(super) fn trimmed(mut self, text: &str) -> Self {
        while self.list.last().is_some_and(|last| last.is_blank(text)) {
            self.list.pop();
        }
        self
    }

    /// The nodes these are: adjoining texts become one, and so does an emoji that does not stand apart.
    pub(super) fn merged(mut self, text: &'a str) -> Vec<Inline<'a>> {
        for at in 0..self.list.len() {
            let Item::Emoji {
                span: (from, to),
                apart: true,
                ..
            } = self.list[at]
            else {
                continue;
            };
            let before = at.checked_sub(1).map(|before| &self.list[before]);
            let free = [before, self.list.get(at + 1)]
                .into_iter()
                .flatten()
                .all(|beside| beside.leaves_apart(text));
            if !free {
                // Still an emoji to what stands next to it.
                self.list[at] = Item::Emoji {
                    span: (from, to),
                    node: Inline::plain(&text[from..to]),
                    apart: false,
                };
            }
        }
        let mut merged = Merged::new(text, self.list.len());
        for item in self.list {
            merged.push(item);
        }
        merged.finish()
    }
}

impl Item<'_> {
    fn is_blank(&self, text: &str) -> bool {
        match self {
            Self::Text(from, to) => text[*from..*to].chars().all(char::is_whitespace),
            _ => false,
        }
    }

    /// Whether an emoji next to it stands apart.
    fn leaves_apart(&self, text: &str) -> bool {
        match self {
            Self::Text(..) => self.is_blank(text),
            Self::Emoji { .. } => false,
            Self::Node(_) => true,
        }
    }
}

/// Nodes, and the text that is not yet one of them.
struct Merged<'a> {
    text: &'a str,
    nodes: Vec<Inline<'a>>,
    pending: Option<Pending>,
}

enum Pending {
    /// As it stands in the text.
    Span(usize, usize),
    /// Something was left out.
    Gathered(String),
}

impl<'a> Merged<'a> {
    fn new(text: &'a str, most: usize) -> Self {
        Self {
            text,
            nodes: Vec::with_capacity(most),
            pending: None,
        }
    }

    fn push(&mut self, item: Item<'a>) {
        match item {
            Item::Text(from, to)
            | Item::Emoji {
                span: (from, to),
                node: Inline::PlainText { .. },
                ..
            } => self.add(from, to),
            Item::Emoji { node, .. } | Item::Node(node) => {
                self.flush();
                self.nodes.push(node);
            }
        }
    }

    fn add(&mut self, from: usize, to: usize) {
        let more = &self.text[from..to];
        self.pending = Some(match self.pending.take() {
            None => Pending::Span(from, to),
            Some(Pending::Span(start, end)) if end == from => Pending::Span(start, to),
            Some(Pending::Span(start, end)) => {
                Pending::Gathered(format!("{}{more}", &self.text[start..end]))
            }
            Some(Pending::Gathered(text)) => Pending::Gathered(text + more),
        });
    }

    fn flush(&mut self) {
        let value = match self.pending.take() {
            None => return,
            Some(Pending::Span(from, to)) => Cow::Borrowed(&self.text[from..to]),
            Some(Pending::Gathered(text)) => Cow::Owned(text),
        };
        self.nodes.push(Inline::PlainText { value });
    }

    fn finish(mut self) -> Vec<Inline<'a>> {
        self.flush();
        self.nodes
    }
}
