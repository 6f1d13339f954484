//! Tables: rows of cells between `|`, below a header and a row that says to which side each column keeps.

use super::node::{Align, Block, Cell, Inline, Row, Table};
use super::parser::Parser;
use super::place::{Place, Within};
use super::token;

/// What an empty cell, which nobody wrote, costs in steps: a row of few bytes may have many of them.
const MISSING: usize = 8;

impl<'a> Parser<'a, '_> {
    pub(super) fn table(&mut self, at: usize) -> Option<(Block<'a>, usize)> {
        let text: &'a str = self.text;
        let line_end = self.line_end(at);
        let (length, columns) = token::alignments(text.get(line_end + 1..)?)?;
        let (header, end) = self.row(at)?;
        (end == line_end).then_some(())?;
        let columns = columns.into_iter().map(|(left, right)| align(left, right));
        let mut columns: Vec<Option<Align>> = columns.collect();
        columns.resize(header.len(), None);
        let header = cells(header, &columns);
        let mut next = self.after_line(line_end + 1 + length);
        let mut rows = Vec::new();
        while let Some((row, end)) = self.row(next) {
            if !self.work(columns.len().saturating_sub(row.len()) * MISSING) {
                break;
            }
            let value = cells(row, &columns);
            rows.push(Row { value });
            next = self.after_line(end);
        }
        let fallback = self.span(at, next);
        let value = Table { header, rows };
        Some((Block::Table { value, fallback }, next))
    }

    /// The cells of a row that begins here, and where the last of them ends.
    fn row(&mut self, at: usize) -> Option<(Vec<Vec<Inline<'a>>>, usize)> {
        (self.byte(at)? == b'|').then_some(())?;
        let end = self.line_end(at);
        let mut cells = Vec::new();
        let mut at = at + 1;
        while let Some((cell, next)) = self.cell(at, end) {
            cells.push(cell);
            at = next;
        }
        (!cells.is_empty()).then_some((cells, at))
    }

    fn cell(&mut self, at: usize, end: usize) -> Option<(Vec<Inline<'a>>, usize)> {
        self.work(1).then_some(())?;
        let within = Within {
            place: Place::Cell,
            open: 0,
            end,
            reach: end,
        };
        let start = at + self.blank_length(at);
        let (items, at) = self.sequence(start.min(end), within);
        let value = items.trimmed(self.text).merged(self.text);
        (self.byte(at) == Some(b'|')).then_some((value, at + 1))
    }
}

fn align(left: bool, right: bool) -> Option<Align> {
    match (left, right) {
        (true, true) => Some(Align::Center),
        (true, false) => Some(Align::Left),
        (false, true) => Some(Align::Right),
        (false, false) => None,
    }
}

/// A cell for each column.
fn cells<'a>(mut row: Vec<Vec<Inline<'a>>>, columns: &[Option<Align>]) -> Vec<Cell<'a>> {
    row.resize_with(columns.len(), Vec::new);
    let cell = |(value, align): (Vec<Inline<'a>>, &Option<Align>)| Cell {
        align: *align,
        value,
    };
    row.into_iter().zip(columns).map(cell).collect()
}
