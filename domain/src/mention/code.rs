//! Where code stands in a text: what is in it is shown as it is, and neither calls nor links to anything.

use std::iter::successors;
use std::ops::Range;

/// How a block of code begins and ends.
const FENCE: &str = "```";

/// The text with its last block of code closed; `None` when every block is closed already.
pub fn close_fences(text: &str) -> Option<String> {
    let odd = text.contains(FENCE) && text.matches(FENCE).count() % 2 == 1;
    odd.then(|| format!("{text}\n{FENCE}"))
}

/// What is not code, in order, with where it begins.
pub(super) fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut start = 0;
    let parts = text.split(FENCE).map(move |part| {
        let at = start;
        start += part.len() + FENCE.len();
        (at, part)
    });
    // Between fences, every second part is code.
    parts.step_by(2).flat_map(|(start, part)| {
        let first = Some((start, part, next_inline_code(part)));
        successors(first, |(start, part, code)| {
            let after = code.as_ref()?.end;
            let rest = &part[after..];
            Some((start + after, rest, next_inline_code(rest)))
        })
        .map(|(start, part, code)| (start, code.map_or(part, |code| &part[..code.start])))
    })
}

/// Where code stands in a text, to be asked about places in it.
pub(super) struct Code {
    /// What is not code, in order.
    prose: Vec<Range<usize>>,
    any: bool,
}

impl Code {
    /// Looks for it. Nothing is kept of a text that has none.
    pub(super) fn of(text: &str) -> Self {
        let any = text.contains('`');
        let parts = prose(text).filter(|_| any);
        Self {
            prose: parts
                .map(|(start, part)| start..start + part.len())
                .collect(),
            any,
        }
    }

    /// Whether that place is in it.
    pub(super) fn holds(&self, at: usize) -> bool {
        let behind = self.prose.partition_point(|part| part.end <= at);
        self.any && self.prose.get(behind).is_none_or(|part| part.start > at)
    }
}

/// Where the next `code` in the line stands, its marks included; `None` when there is none.
fn next_inline_code(text: &str) -> Option<Range<usize>> {
    let mut from = 0;
    loop {
        let open = from + text[from..].find('`')?;
        let inside = &text[open + 1..];
        let close = inside.find(['`', '\r', '\n'])?;
        if close > 0 && inside.as_bytes()[close] == b'`' {
            return Some(open..open + close + 2);
        }
        from = open + 1 + if close > 0 { close } else { 0 };
    }
}
