//! What stands in a line: a sequence of tokens, read one after the other.
//!
//! What a mark such as `*` encloses is a sequence as well, in which fewer tokens have a meaning. A byte with which no
//! token begins is text, and so is what follows it up to where the next token may begin.

use super::address::{self, Found};
use super::emoji;
use super::node::{Inline, Plain};
use super::parser::{BYTES, Items, Needle, Parser};
use super::place::{Mark, Place, Within};
use super::token;

impl<'a> Parser<'a, '_> {
    /// The sequence from here on, and where it ends.
    pub(super) fn sequence(&mut self, mut at: usize, within: Within) -> (Items<'a>, usize) {
        let mut items = Items::default();
        while at < within.end && !self.stops(at, within) {
            if !self.work(1) {
                let end = self.line_end(at).clamp(at + 1, within.end);
                items.text(at, end);
                at = end;
                continue;
            }
            let next = match within.place {
                Place::Label => self.labelled(at, within, &mut items),
                Place::Mark(_) => self.marked(at, within, &mut items),
                _ => self.free(at, within, &mut items),
            };
            let next = next.unwrap_or_else(|| {
                let end = self.word_end(at, within);
                items.word(at, end);
                end
            });
            self.work((next - at) / BYTES);
            at = next;
        }
        (items, at)
    }

    /// A line, and where it ends: at a line break or at the end of the text.
    pub(super) fn line(&mut self, at: usize) -> (Items<'a>, usize) {
        let within = Within {
            place: Place::Line,
            open: 0,
            end: self.text.len(),
            reach: self.text.len(),
        };
        self.sequence(at, within)
    }

    fn stops(&self, at: usize, within: Within) -> bool {
        let rest = &self.text.as_bytes()[at..];
        let line_ends = rest[0] == b'\n';
        match within.place {
            Place::Line => line_ends,
            Place::Cell => line_ends || rest[0] == b'|',
            Place::Spoiler => line_ends || rest.starts_with(b"||"),
            Place::Label => false,
            Place::Mark(mark) => {
                line_ends || (rest[0] == mark.byte() && self.closing_face(at, within).is_none())
            }
        }
    }

    /// An emoticon in bold text that begins with what would end that, such as `*)`.
    fn closing_face(&self, at: usize, within: Within) -> Option<(usize, Inline<'a>)> {
        if self.byte(at) != Some(b'*') || !self.options.emoticons {
            return None;
        }
        let (length, face) = emoji::face(&self.text[at..within.end])?;
        let rest = &self.text[at + length..within.end];
        let apart = rest.is_empty()
            || rest.starts_with([' ', '\t', '\n', '*'])
            || token::user(rest).is_some()
            || token::channel(rest).is_some()
            || emoji::character(rest).is_some();
        apart.then_some((length, face))
    }

    /// Where the text ends that begins here and is no token.
    fn word_end(&self, at: usize, within: Within) -> usize {
        let begins = |byte: &u8| match within.place {
            Place::Label => matches!(byte, b'*' | b'_' | b'~'),
            Place::Mark(Mark::Strike) => !byte.is_ascii_alphanumeric(),
            Place::Mark(_) => matches!(byte, b'*' | b'_' | b'~' | b' ' | b'\t' | b'\n'),
            _ => b"!()*<[\\]_`|~: \t\n".contains(byte),
        };
        let rest = &self.text[at..within.end];
        match rest.bytes().position(|byte| begins(&byte)) {
            Some(0) => at + rest.chars().next().map_or(0, char::len_utf8),
            Some(length) => at + length,
            None => within.end,
        }
    }

    /// A token of a link's label. Returns where it ends; `None`: none begins here.
    fn labelled(&mut self, at: usize, within: Within, items: &mut Items<'a>) -> Option<usize> {
        let mark = Mark::of(self.byte(at)?)?;
        self.enclosed(at, mark, within, items)
    }

    /// A token of what a mark encloses.
    fn marked(&mut self, at: usize, within: Within, items: &mut Items<'a>) -> Option<usize> {
        match self.byte(at)? {
            b' ' | b'\t' => Some(self.blank(at, within, items)),
            b'*' | b'_' | b'~' => {
                if let Some((length, face)) = self.closing_face(at, within)
                    && within.place == Place::Mark(Mark::Bold)
                {
                    items.emoji((at, at + length), face, true);
                    return Some(at + length);
                }
                self.labelled(at, within, items)
            }
            b'`' => self.code(at, within, items),
            b'@' => self.user(at, within, items),
            b'#' => self
                .emoji(at, within, items)
                .or_else(|| self.channel(at, within, items)),
            b'[' => self.link(at, within, items),
            b'<' => self
                .moment(at, within, items)
                .or_else(|| self.pointed(at, within, items))
                .or_else(|| self.emoji(at, within, items)),
            _ => self.emoji(at, within, items),
        }
    }

    /// A token of a line.
    fn free(&mut self, at: usize, within: Within, items: &mut Items<'a>) -> Option<usize> {
        match self.byte(at)? {
            b'|' => self.spoiler(at, within, items),
            b'!' => self.image(at, within, items),
            b'\\' => self.escaped(at, within, items),
            b'$' if self.options.katex.dollar => self.formula(at, 1, Needle::Dollar, within, items),
            b'+' => self
                .phone(at, within, items)
                .or_else(|| self.address(at, within, items)),
            b'*' | b'_' | b'~' => self
                .emoji_character(at, within, items)
                .or_else(|| self.labelled(at, within, items))
                .or_else(|| self.emoji(at, within, items)),
            b' ' | b'\t' | b'`' | b'@' | b'#' | b'[' | b'<' => self.marked(at, within, items),
            b':' | b'(' | b')' | b']' => self.emoji(at, within, items),
            b'c' if self.options.colors => self
                .color(at, within, items)
                .or_else(|| self.address(at, within, items)),
            _ => self
                .emoji(at, within, items)
                .or_else(|| self.address(at, within, items)),
        }
    }

    fn blank(&mut self, at: usize, within: Within, items: &mut Items<'a>) -> usize {
        let rest = &self.text.as_bytes()[at..within.end];
        let length = rest.iter().position(|byte| !matches!(byte, b' ' | b'\t'));
        let end = at + length.unwrap_or(rest.len());
        items.text(at, end);
        end
    }

    /// `\*` and such: the character without its meaning. Or a formula.
    fn escaped(&mut self, at: usize, within: Within, items: &mut Items<'a>) -> Option<usize> {
        let next = self.byte(at + 1).filter(|_| at + 1 < within.end)?;
        match next {
            b'*' | b'_' | b'~' | b'`' | b'#' | b'.' => {}
            b'|' if within.place == Place::Cell => {}
            b'(' if self.options.katex.parenthesis => {
                return self.formula(at, 2, Needle::Parenthesis, within, items);
            }
            _ => return None,
        }
        items.text(at + 1, at + 2);
        Some(at + 2)
    }

    /// A formula, which may go on over lines. What closes it is as long as what opens it.
    fn formula(
        &mut self,
        at: usize,
        mark: usize,
        closing: Needle,
        within: Within,
        items: &mut Items<'a>,
    ) -> Option<usize> {
        let end = self.seek(closing, at + mark)?;
        (end + mark <= within.end).then_some(())?;
        let value = &self.text[at + mark..end];
        items.node(Inline::InlineKatex { value });
        Some(end + mark)
    }

    /// `` `code` ``, in which nothing has a meaning.
    fn code(&mut self, at: usize, within: Within, items: &mut Items<'a>) -> Option<usize> {
        let end = self.seek(Needle::Code, at + 1)?;
        let closed = end > at + 1 && end < within.end && end < self.line_end(at);
        closed.then_some(())?;
        let value = Plain::from(&self.text[at + 1..end]);
        items.node(Inline::InlineCode { value });
        Some(end + 1)
    }

    fn user(&mut self, at: usize, within: Within, items: &mut Items<'a>) -> Option<usize> {
        let (length, name) = token::user(&self.text[at..within.end])?;
        let value = Plain::from(name);
        items.node(Inline::MentionUser { value });
        Some(at + length)
    }

    fn channel(&mut self, at: usize, within: Within, items: &mut Items<'a>) -> Option<usize> {
        (!items.end_with(self.text, &['!', '<', ':', '\\'])).then_some(())?;
        let (length, name) = token::channel(&self.text[at..within.end])?;
        let value = Plain::from(name);
        items.node(Inline::MentionChannel { value });
        Some(at + length)
    }

    fn moment(&mut self, at: usize, within: Within, items: &mut Items<'a>) -> Option<usize> {
        let (length, value) = token::moment(&self.text[at..within.end])?;
        let fallback = self.span(at, at + length);
        items.node(Inline::Timestamp { value, fallback });
        Some(at + length)
    }

    fn color(&mut self, at: usize, within: Within, items: &mut Items<'a>) -> Option<usize> {
        let (length, value) = token::color(&self.text[at..within.end])?;
        items.node(Inline::Color { value });
        Some(at + length)
    }

    fn emoji_character(
        &mut self,
        at: usize,
        within: Within,
        items: &mut Items<'a>,
    ) -> Option<usize> {
        let length = emoji::character(&self.text[at..within.end])?;
        let unicode = &self.text[at..at + length];
        let node = Inline::EmojiCharacter { unicode };
        items.emoji((at, at + length), node, false);
        Some(at + length)
    }

    /// An emoji, however it is written.
    fn emoji(&mut self, at: usize, within: Within, items: &mut Items<'a>) -> Option<usize> {
        let rest = &self.text[at..within.end];
        let enclosed = matches!(within.place, Place::Spoiler | Place::Cell);
        let closes = |length: usize| enclosed && rest[length..].starts_with('|');
        let face =
            || emoji::face(rest).filter(|(length, _)| self.options.emoticons && !closes(*length));
        match emoji::named(rest).or_else(face) {
            Some((length, node)) => {
                items.emoji((at, at + length), node, true);
                Some(at + length)
            }
            None => self.emoji_character(at, within, items),
        }
    }

    fn phone(&mut self, at: usize, within: Within, items: &mut Items<'a>) -> Option<usize> {
        let (length, digits) = token::phone(&self.text[at..within.end], 5)?;
        let src = format!("tel:{digits}");
        items.node(Inline::link(src, &self.text[at..at + length]));
        Some(at + length)
    }

    /// A mail address, or that of a page.
    fn address(&mut self, at: usize, within: Within, items: &mut Items<'a>) -> Option<usize> {
        let rest = &self.text[at..within.end];
        let mut found = Found::Nothing { none: 0, looked: 0 };
        if !self.no_mail.contains(&at) {
            found = address::mail(rest, self.options);
            if let Found::Nothing { none, looked } = found {
                self.no_mail = at..at + none;
                self.work(looked / BYTES);
            }
        }
        if matches!(found, Found::Nothing { .. }) && !self.no_page.contains(&at) {
            let bare = at == 0 || self.byte(at - 1) != Some(b'_');
            found = address::page(rest, bare, self.options);
            if let Found::Nothing { none, looked } = found {
                self.no_page = at..at + none;
                self.work(looked / BYTES);
            }
        }
        match found {
            Found::Link(length, src) => {
                let label = rest[..length].trim_start_matches("mailto:");
                items.node(Inline::link(src, label));
                Some(at + length)
            }
            Found::Nowhere(length) => {
                items.word(at, at + length);
                Some(at + length)
            }
            Found::Nothing { .. } => None,
        }
    }
}
