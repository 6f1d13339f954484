//! What an edit changed, word by word.

use similar::{Algorithm, DiffOp, capture_diff_slices};
use unicode_segmentation::UnicodeSegmentation as _;

/// Where what differs has more words than this, before times after, the one is said to replace the other as a whole: to
/// compare them would take long, and whoever wrote them could make it do so.
const MOST_COMPARED: usize = 1_000_000;

/// Part of a text that was edited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Stands before and after.
    Kept(String),
    /// Stood before.
    Removed(String),
    /// Stands after.
    Added(String),
}

/// The pieces that `before` and `after` are made of, in order. Kept and removed pieces together are `before`, kept and
/// added ones are `after`. No two neighbours are of the same kind.
pub fn words(before: &str, after: &str) -> Vec<Piece> {
    let before: Vec<&str> = before.split_word_bounds().collect();
    let after: Vec<&str> = after.split_word_bounds().collect();
    let begin = alike(before.iter(), after.iter());
    let (old, new) = (rest(&before, begin), rest(&after, begin));
    let end = alike(old.iter().rev(), new.iter().rev());
    let (old, tail) = old.split_at(old.len() - end);
    let (new, _) = new.split_at(new.len() - end);

    let mut pieces = Pieces::default();
    pieces.keep(before.get(..begin).unwrap_or_default());
    if old.len().saturating_mul(new.len()) > MOST_COMPARED {
        pieces.replace(old, new);
    } else {
        for change in capture_diff_slices(Algorithm::Myers, old, new) {
            let part = |words: &[&str], range| -> String {
                let range: std::ops::Range<usize> = range;
                words.get(range).unwrap_or_default().concat()
            };
            match change {
                DiffOp::Equal { .. } => pieces.push(Piece::Kept(part(old, change.old_range()))),
                DiffOp::Delete { .. } | DiffOp::Insert { .. } | DiffOp::Replace { .. } => {
                    pieces.push(Piece::Removed(part(old, change.old_range())));
                    pieces.push(Piece::Added(part(new, change.new_range())));
                }
            }
        }
    }
    pieces.keep(tail);
    pieces.0
}

/// How many are the same before the first that differ.
fn alike<'a>(
    left: impl Iterator<Item = &'a &'a str>,
    right: impl Iterator<Item = &'a &'a str>,
) -> usize {
    left.zip(right)
        .take_while(|(left, right)| left == right)
        .count()
}

fn rest<'a, 'b>(words: &'b [&'a str], from: usize) -> &'b [&'a str] {
    words.get(from..).unwrap_or_default()
}

#[derive(Default)]
struct Pieces(Vec<Piece>);

impl Pieces {
    fn keep(&mut self, words: &[&str]) {
        self.push(Piece::Kept(words.concat()));
    }

    fn replace(&mut self, old: &[&str], new: &[&str]) {
        self.push(Piece::Removed(old.concat()));
        self.push(Piece::Added(new.concat()));
    }

    fn push(&mut self, piece: Piece) {
        let (Piece::Kept(text) | Piece::Removed(text) | Piece::Added(text)) = &piece;
        if text.is_empty() {
            return;
        }
        match (self.0.last_mut(), &piece) {
            (Some(Piece::Kept(before)), Piece::Kept(more))
            | (Some(Piece::Removed(before)), Piece::Removed(more))
            | (Some(Piece::Added(before)), Piece::Added(more)) => before.push_str(more),
            _ => self.0.push(piece),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(pieces: &[Piece]) -> String {
        let one = |piece: &Piece| match piece {
            Piece::Kept(text) => text.clone(),
            Piece::Removed(text) => format!("[-{text}-]"),
            Piece::Added(text) => format!("{{+{text}+}}"),
        };
        pieces.iter().map(one).collect()
    }

    #[test]
    fn words_are_kept_removed_and_added() {
        for (before, after, wanted) in [
            ("same", "same", "same"),
            ("", "", ""),
            ("", "new", "{+new+}"),
            ("old", "", "[-old-]"),
            (
                "we meet at ten",
                "we meet at nine",
                "we meet at [-ten-]{+nine+}",
            ),
            ("a b c", "a c", "a [-b -]c"),
            ("the end", "the very end", "the {+very +}end"),
            (
                "one two three",
                "three two one",
                "[-one-]{+three+} two [-three-]{+one+}",
            ),
            ("great 👩‍👩‍👧!", "great 👩‍👩‍👦!", "great [-👩‍👩‍👧-]{+👩‍👩‍👦+}!"),
        ] {
            assert_eq!(
                written(&words(before, after)),
                wanted,
                "{before:?} to {after:?}"
            );
        }
    }

    #[test]
    fn the_pieces_make_up_both_texts() {
        for (before, after) in [
            ("a b a b a", "b a b"),
            ("a\nb\r\nc", "a\r\nb\nc"),
            ("\u{1b}[31m", "\u{1b}[32m red"),
        ] {
            let pieces = words(before, after);
            let side = |wanted: fn(&Piece) -> Option<&String>| -> String {
                pieces
                    .iter()
                    .filter_map(wanted)
                    .map(String::as_str)
                    .collect()
            };
            let old = side(|piece| match piece {
                Piece::Kept(text) | Piece::Removed(text) => Some(text),
                Piece::Added(_) => None,
            });
            let new = side(|piece| match piece {
                Piece::Kept(text) | Piece::Added(text) => Some(text),
                Piece::Removed(_) => None,
            });
            assert_eq!((old.as_str(), new.as_str()), (before, after));
        }
    }

    #[test]
    fn what_would_take_long_to_compare_is_replaced_as_a_whole() {
        let before = format!("begin {}end", "a ".repeat(3_000));
        let after = format!("begin {}end", "b ".repeat(3_000));
        let kinds: Vec<char> = words(&before, &after)
            .iter()
            .map(|piece| match piece {
                Piece::Kept(_) => 'k',
                Piece::Removed(_) => 'r',
                Piece::Added(_) => 'a',
            })
            .collect();
        assert_eq!(kinds, ['k', 'r', 'a', 'k']);
    }
}
