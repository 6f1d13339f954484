//! What encloses other text: marks, spoilers, links.

use super::address;
use super::node::{Image, Inline, Link, Plain};
use super::parser::{BYTES, Items, Needle, Parser};
use super::place::{Mark, Place, Within};

impl<'a> Parser<'a, '_> {
    /// `*text*` or `**text**`, and the like. A mark that encloses nothing is text.
    pub(super) fn enclosed(
        &mut self,
        at: usize,
        mark: Mark,
        within: Within,
        items: &mut Items<'a>,
    ) -> Option<usize> {
        // In words such as `snake_case` the mark is a letter like others.
        let in_word = mark == Mark::Italic
            && within.place != Place::Mark(Mark::Strike)
            && items.word_ends(self.text, at);
        let open = within.open & mark.bit() != 0;
        if open {
            return None;
        }
        if in_word {
            let end = at + self.run(at, within, |byte| byte == mark.byte());
            items.text(at, end);
            return Some(end);
        }
        let nested = matches!(within.place, Place::Mark(_));
        if !nested && let Some(end) = self.empty(at, mark, within) {
            items.text(at, end);
            return Some(end);
        }
        let double = self.byte(at + 1) == Some(mark.byte());
        for width in if double { &[2, 1][..] } else { &[1] } {
            if let Some((content, end)) = self.content(at + width, mark, *width, within) {
                return Some(self.close(at, (mark, *width), content, end, items));
            }
        }
        None
    }

    fn run(&mut self, at: usize, within: Within, of: impl Fn(u8) -> bool) -> usize {
        let rest = self.text.as_bytes()[at..within.end].iter();
        let length = rest.take_while(|byte| of(**byte)).count();
        self.work(length / BYTES);
        length
    }

    /// Where marks end that have nothing but blanks between them.
    fn empty(&mut self, at: usize, mark: Mark, within: Within) -> Option<usize> {
        let is_mark = |byte| byte == mark.byte();
        let blanks = at + self.run(at, within, is_mark);
        let closing = blanks + self.run(blanks, within, |byte| matches!(byte, b' ' | b'\t'));
        let end = closing + self.run(closing, within, is_mark);
        (blanks < closing && closing < end).then_some(end)
    }

    /// What is between two marks of that width, and where the second one begins.
    fn content(
        &mut self,
        from: usize,
        mark: Mark,
        width: usize,
        within: Within,
    ) -> Option<(Items<'a>, usize)> {
        let closing = self.seek(mark.needle(), from)?;
        let end = within.reach.min(self.line_end(from));
        (closing < end).then_some(())?;
        let inner = Within {
            place: Place::Mark(mark),
            open: within.open | mark.bit(),
            end,
            reach: end,
        };
        let (content, at) = self.sequence(from, inner);
        let closes = at + width <= end
            && self.text.as_bytes()[at..at + width]
                .iter()
                .all(|byte| *byte == mark.byte());
        (closes && !content.is_empty()).then_some((content, at))
    }

    /// The node; or text, where letters follow what `_` encloses: `_a_b`.
    fn close(
        &mut self,
        at: usize,
        (mark, width): (Mark, usize),
        content: Items<'a>,
        end: usize,
        items: &mut Items<'a>,
    ) -> usize {
        let after = end + width;
        let of_word = |byte: &&u8| match width {
            1 => byte.is_ascii_alphabetic(),
            _ => byte.is_ascii_alphanumeric(),
        };
        let letters = match mark {
            Mark::Italic => self.text.as_bytes()[after..]
                .iter()
                .take_while(of_word)
                .count(),
            _ => 0,
        };
        if letters == 0 {
            items.node(mark.node(content.merged(self.text)));
            return after;
        }
        items.text(at, at + width);
        items.append(content);
        items.text(end, after + letters);
        after + letters
    }

    /// `||text||`
    pub(super) fn spoiler(
        &mut self,
        at: usize,
        within: Within,
        items: &mut Items<'a>,
    ) -> Option<usize> {
        let opens = within.place == Place::Line && self.byte(at + 1) == Some(b'|');
        opens.then_some(())?;
        let closing = self.seek(Needle::Spoiler, at + 2)?;
        (closing < self.line_end(at)).then_some(())?;
        let inner = Within {
            place: Place::Spoiler,
            ..within
        };
        let (content, end) = self.sequence(at + 2, inner);
        let closes = self.text[end..].starts_with("||") && !content.is_empty();
        closes.then_some(())?;
        let value = content.merged(self.text);
        items.node(Inline::Spoiler { value });
        Some(end + 2)
    }

    /// `[label](target)`
    pub(super) fn link(
        &mut self,
        at: usize,
        within: Within,
        items: &mut Items<'a>,
    ) -> Option<usize> {
        let (label, src, end) = self.bracketed(at, within)?;
        if label.is_empty() {
            let label = vec![Inline::PlainText {
                value: src.value.clone(),
            }];
            let value = Link { src, label };
            items.node(Inline::Link { value });
            return Some(end);
        }
        let inner = Within {
            place: Place::Label,
            open: within.open,
            end: at + 1 + label.len(),
            reach: within.reach,
        };
        let (label, label_end) = self.sequence(at + 1, inner);
        // Text that a mark in it encloses does not end with it.
        (label_end == inner.end).then_some(())?;
        let label = label.merged(self.text);
        let value = Link { src, label };
        items.node(Inline::Link { value });
        Some(end)
    }

    /// What `[label](target)` has for its label and target, and where it ends.
    fn bracketed(&mut self, at: usize, within: Within) -> Option<(&'a str, Plain<'a>, usize)> {
        let middle = self.seek(Needle::Target, at + 1)?;
        if self.no_target == Some(middle) || middle + 2 > within.end {
            return None;
        }
        let text: &'a str = self.text;
        let Some((length, value)) = address::target(&text[middle + 2..within.end], ')') else {
            self.no_target = Some(middle);
            return None;
        };
        let label = &text[at + 1..middle];
        let within_line = self.line_end(at) > middle;
        // `[a] [b](target)`: the first bracket is no part of the link.
        let apart = label.rsplit_once(']');
        let one = apart.is_none_or(|(_, last)| !last.starts_with(" ["));
        (within_line && one && self.work(label.len() / BYTES)).then_some(())?;
        Some((label, Plain { value }, middle + 2 + length + 1))
    }

    /// `![label](target)`, or a link behind an exclamation mark.
    pub(super) fn image(
        &mut self,
        at: usize,
        within: Within,
        items: &mut Items<'a>,
    ) -> Option<usize> {
        (self.byte(at + 1) == Some(b'[')).then_some(())?;
        let (label, src, end) = self.bracketed(at + 1, within)?;
        let marks = |c: char| "*_~`|()[]\\\n".contains(c);
        let wordless = !label.is_empty() && label.chars().all(char::is_whitespace);
        (!label.contains(marks) && !wordless).then_some(())?;
        let label = if label.is_empty() {
            src.clone()
        } else {
            Plain::from(label)
        };
        let value = Image { src, label };
        items.node(Inline::Image { value });
        Some(end)
    }

    /// `<target|label>`
    pub(super) fn pointed(
        &mut self,
        at: usize,
        within: Within,
        items: &mut Items<'a>,
    ) -> Option<usize> {
        let text: &'a str = self.text;
        let end = within.end.min(self.line_end(at));
        let rest = &text[at + 1..end];
        let length = rest.find(['|', '<', ' ', '\t']).unwrap_or(rest.len());
        self.work(length / BYTES);
        rest[length..].starts_with('|').then_some(())?;
        let (_, value) = address::target(&rest[..=length], '|')?;
        let label = &rest[length + 1..];
        let close = label.find(['|', '<', '>'])?;
        (close > 0 && label[close..].starts_with('>')).then_some(())?;
        let src = Plain { value };
        let label = vec![Inline::plain(&label[..close])];
        let value = Link { src, label };
        items.node(Inline::Link { value });
        Some(at + 1 + length + 1 + close + 1)
    }
}
