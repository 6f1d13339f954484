//! What a sequence of tokens may be in.

use super::node::Inline;
use super::parser::Needle;

/// What a sequence is in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Line,
    Cell,
    Spoiler,
    Label,
    Mark(Mark),
}

/// Where a sequence is, and how far it reaches.
#[derive(Clone, Copy)]
pub(super) struct Within {
    pub(super) place: Place,
    /// The marks around it, by their bits: none is in itself.
    pub(super) open: u8,
    /// Where it ends at the latest.
    pub(super) end: usize,
    /// How far what a mark in it encloses may go: beyond the end of a label, which is none then.
    pub(super) reach: usize,
}

/// Marks that say how text looks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    Bold,
    Italic,
    Strike,
}

impl Mark {
    pub(super) fn of(byte: u8) -> Option<Self> {
        match byte {
            b'*' => Some(Self::Bold),
            b'_' => Some(Self::Italic),
            b'~' => Some(Self::Strike),
            _ => None,
        }
    }

    pub(super) fn byte(self) -> u8 {
        match self {
            Self::Bold => b'*',
            Self::Italic => b'_',
            Self::Strike => b'~',
        }
    }

    pub(super) fn bit(self) -> u8 {
        1 << self as u8
    }

    pub(super) fn needle(self) -> Needle {
        match self {
            Self::Bold => Needle::Bold,
            Self::Italic => Needle::Italic,
            Self::Strike => Needle::Strike,
        }
    }

    pub(super) fn node(self, value: Vec<Inline<'_>>) -> Inline<'_> {
        match self {
            Self::Bold => Inline::Bold { value },
            Self::Italic => Inline::Italic { value },
            Self::Strike => Inline::Strike { value },
        }
    }
}
