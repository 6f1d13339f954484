//! What has lines to itself: headings, lists, code and the like. What is none of these is a paragraph a line.

use super::emoji;
use super::node::{Block, CodeLine, Line, ListItem, Plain, Root, Task};
use super::parser::{Items, Needle, Parser};
use super::token;

/// A block, and where the next one begins.
type Found<'a> = Option<(Block<'a>, usize)>;

impl<'a> Parser<'a, '_> {
    /// The whole text.
    pub(super) fn root(&mut self) -> Root<'a> {
        if let Some(value) = emoji::alone(self.text, self.options.emoticons) {
            return Root(vec![Block::BigEmoji { value }]);
        }
        let mut blocks = Vec::new();
        let mut at = 0;
        while at < self.text.len() {
            let (block, next) = self.block(at);
            blocks.push(block);
            at = next;
        }
        Root(blocks)
    }

    fn block(&mut self, at: usize) -> (Block<'a>, usize) {
        let blank = self.blank_length(at);
        if self.byte(at + blank) == Some(b'\n') {
            return (Block::LineBreak, at + blank + 1);
        }
        let found = self.work(1).then(|| self.special(at, blank)).flatten();
        found.unwrap_or_else(|| {
            let (items, end) = self.line(at);
            let value = items.merged(self.text);
            (Block::Paragraph { value }, self.after_line(end))
        })
    }

    fn special(&mut self, at: usize, blank: usize) -> Found<'a> {
        match self.byte(at)? {
            b'#' => self.heading(at),
            b'>' => self.quote(at),
            b'-' => self
                .tasks(at)
                .or_else(|| self.rule(at))
                .or_else(|| self.unordered(at)),
            b'*' => self.unordered(at),
            b'0'..=b'9' => self.ordered(at),
            b'`' => self.code_block(at),
            b'|' => self.spoiler_block(at).or_else(|| self.table(at)),
            b'$' if self.options.katex.dollar => self.formula_block(at, "$$", Needle::Dollars),
            b'\\' if self.options.katex.parenthesis => {
                self.formula_block(at, "\\[", Needle::Square)
            }
            b' ' | b'\t' => self.rule(at + blank),
            _ => None,
        }
    }

    /// How many bytes are blanks.
    pub(super) fn blank_length(&self, at: usize) -> usize {
        let rest = self.text.as_bytes()[at..].iter();
        rest.take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r'))
            .count()
    }

    /// Where the next line begins, if a line ends here.
    pub(super) fn after_line(&self, at: usize) -> usize {
        at + usize::from(self.byte(at) == Some(b'\n'))
    }

    /// What is on a line, behind what says what it is and blanks: something at least.
    fn rest_of_line(&mut self, at: usize, prefix: usize) -> Option<(Items<'a>, usize)> {
        let start = at + prefix;
        let begins = self.byte(start).is_some_and(|byte| byte != b'\n');
        begins.then(|| self.line(start))
    }

    /// Blanks, of which there is one at least.
    fn gap(&self, at: usize) -> Option<usize> {
        let rest = self.text.as_bytes().get(at..)?.iter();
        let length = rest.take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        (length > 0).then_some(length)
    }

    fn heading(&mut self, at: usize) -> Found<'a> {
        let rest = self.text.as_bytes()[at..].iter();
        let level = rest.take_while(|byte| **byte == b'#').count();
        (level <= 4).then_some(())?;
        let gap = self.gap(at + level)?;
        let (items, end) = self.rest_of_line(at, level + gap)?;
        let value = items.merged(self.text);
        Some((Block::Heading { level, value }, self.after_line(end)))
    }

    /// Lines that begin alike, one item each, up to one that does not.
    fn lines<T>(
        &mut self,
        at: usize,
        mut line: impl FnMut(&mut Self, usize) -> Option<(T, usize)>,
    ) -> Option<(Vec<T>, usize)> {
        let mut found = Vec::new();
        let mut next = at;
        while let Some((item, end)) = line(self, next) {
            found.push(item);
            next = self.after_line(end);
            if next == end || !self.work(1) {
                break;
            }
        }
        (!found.is_empty()).then_some((found, next))
    }

    fn quote(&mut self, at: usize) -> Found<'a> {
        let (value, next) = self.lines(at, |parser, at| {
            (parser.byte(at) == Some(b'>')).then_some(())?;
            let start = at + 1 + parser.gap(at + 1).unwrap_or(0);
            if parser.byte(start) == Some(b'\n') {
                let value = vec![super::node::Inline::plain("")];
                return Some((Line { value }, start));
            }
            let (items, end) = parser.rest_of_line(at, start - at)?;
            let value = items.merged(parser.text);
            Some((Line { value }, end))
        })?;
        Some((Block::Quote { value }, next))
    }

    fn tasks(&mut self, at: usize) -> Found<'a> {
        let (value, next) = self.lines(at, |parser, at| {
            let (prefix, status) = token::task(parser.text.get(at..)?)?;
            let (items, end) = parser.rest_of_line(at, prefix)?;
            let value = items.merged(parser.text);
            Some((Task { status, value }, end))
        })?;
        Some((Block::Tasks { value }, next))
    }

    fn unordered(&mut self, at: usize) -> Found<'a> {
        let mark = self.byte(at)?;
        let (value, next) = self.lines(at, |parser, at| {
            (parser.byte(at) == Some(mark)).then_some(())?;
            let gap = parser.gap(at + 1)?;
            let (items, end) = parser.rest_of_line(at, 1 + gap)?;
            // Rather the end of bold text that begins with the line.
            let bold = mark == b'*' && items.has_bare(parser.text, mark);
            let value = (!bold).then(|| items.merged(parser.text))?;
            let number = None;
            Some((ListItem { value, number }, end))
        })?;
        Some((Block::UnorderedList { value }, next))
    }

    fn ordered(&mut self, at: usize) -> Found<'a> {
        let (value, next) = self.lines(at, |parser, at| {
            let (prefix, number) = token::number_of_item(parser.text.get(at..)?)?;
            let (items, end) = parser.rest_of_line(at, prefix)?;
            let value = items.merged(parser.text);
            let number = Some(number);
            Some((ListItem { value, number }, end))
        })?;
        Some((Block::OrderedList { value }, next))
    }

    /// Three dashes or more, alone on a line.
    fn rule(&mut self, at: usize) -> Found<'a> {
        let rest = self.text.as_bytes()[at..].iter();
        let length = rest.take_while(|byte| **byte == b'-').count();
        let end = at + length;
        let end_of_line = end + self.blank_length(end);
        let alone = matches!(self.byte(end_of_line), None | Some(b'\n'));
        (length >= 3 && alone).then_some(())?;
        let fallback = self.span(at, end);
        let next = self.after_line(end_of_line);
        Some((Block::HorizontalRule { fallback }, next))
    }

    /// Lines between two fences, of which the first may name a language.
    fn code_block(&mut self, at: usize) -> Found<'a> {
        let text: &'a str = self.text;
        let rest = text[at..].strip_prefix("```")?;
        let of_name = |c: char| c.is_ascii_alphanumeric() || " _.-".contains(c);
        let named = rest.find(|c| !of_name(c))?;
        let language = &rest[..named];
        let line_break = rest[named..].strip_prefix('\r').unwrap_or(&rest[named..]);
        let content = line_break.strip_prefix('\n')?;
        let start = text.len() - content.len();
        let end = self.seek(Needle::Fence, start)?;
        let content = text[start..end].strip_suffix('\n')?;
        let content = content.strip_suffix('\r').unwrap_or(content);
        // The first line break may be doubled.
        let content = match content.strip_prefix('\n') {
            Some(rest) => rest,
            None if content.is_empty() => return None,
            None => content,
        };
        let line = |line: &'a str| CodeLine {
            value: Plain::from(line.strip_suffix('\r').unwrap_or(line)),
        };
        let value = content.split('\n').map(line).collect();
        let language = if language.is_empty() {
            "none"
        } else {
            language
        };
        Some((Block::Code { language, value }, end + 3))
    }

    /// `||`, lines of text, `||`.
    fn spoiler_block(&mut self, at: usize) -> Found<'a> {
        let text: &'a str = self.text;
        let rest = text[at..].strip_prefix("||")?;
        let rest = rest.strip_prefix('\r').unwrap_or(rest);
        let start = text.len() - rest.strip_prefix('\n')?.len();
        let mut end = start;
        // Whether there is an end is known before anything is parsed.
        while !text[end..].starts_with("||") {
            let line_end = self.seek(Needle::LineEnd, end)?;
            (line_end > end && self.work(1)).then_some(())?;
            end = line_end + 1;
        }
        (end > start).then_some(())?;
        let (value, next) = self.lines(start, |parser, at| {
            (!text[at..].starts_with("||")).then_some(())?;
            let (items, end) = parser.rest_of_line(at, 0)?;
            let value = items.merged(text);
            Some((Line { value }, end))
        })?;
        (next == end).then_some((Block::SpoilerBlock { value }, end + 2))
    }

    fn formula_block(&mut self, at: usize, open: &str, close: Needle) -> Found<'a> {
        let text: &'a str = self.text;
        text[at..].starts_with(open).then_some(())?;
        let end = self.seek(close, at + 2)?;
        let value = &text[at + 2..end];
        Some((Block::Katex { value }, end + 2))
    }
}
