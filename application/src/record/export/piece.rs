//! An export on its way into a folder: piece after piece, which can also go through a connection.

use bytes::{Buf as _, Bytes};
use domain::audit::Shown;
use serde::{Deserialize, Serialize};

use super::order::{FileNote, Order};

/// What an export begins with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct Begun {
    pub order: Order,
    /// What this part of it is recorded as, if it is.
    pub reading: Option<String>,
}

/// Part of an export. They come in the order of the files; of each file `File`, any number of `Data`, `Complete`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// What is exported. Comes first, and once.
    Begun(Box<Begun>),
    /// A file of that name begins.
    File(String),
    /// What comes next in the file.
    Data(Bytes),
    /// The file is complete.
    Complete(FileNote),
    /// How much is done, of how much.
    Progress(u64, u64),
    /// Everything is complete. What was shown since it began, or went on.
    End(Shown),
}

/// What came through a connection is no piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("what came is not part of an export")]
pub struct Malformed;

const BEGUN: u8 = b'O';
const FILE: u8 = b'F';
const DATA: u8 = b'D';
const COMPLETE: u8 = b'C';
const PROGRESS: u8 = b'P';
const END: u8 = b'E';

/// A kind and a length stand before everything.
const HEAD: usize = 5;

/// The most bytes of a piece that is no data.
const LARGEST: usize = 1 << 20;

impl Piece {
    /// The piece as it goes through a connection.
    pub fn encode(self) -> Vec<Bytes> {
        let json = |value: serde_json::Result<Vec<u8>>| value.unwrap_or_default().into();
        let (kind, body): (u8, Bytes) = match self {
            Self::Begun(begun) => (BEGUN, json(serde_json::to_vec(&begun))),
            Self::File(name) => (FILE, name.into()),
            Self::Data(data) => (DATA, data),
            Self::Complete(note) => (COMPLETE, json(serde_json::to_vec(&note))),
            Self::Progress(at, of) => (PROGRESS, json(serde_json::to_vec(&(at, of)))),
            Self::End(shown) => (END, json(serde_json::to_vec(&shown))),
        };
        let mut head = vec![kind];
        // Pieces of data are some megabytes.
        let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
        head.extend_from_slice(&length.to_be_bytes());
        vec![head.into(), body]
    }

    fn decode(kind: u8, body: &[u8]) -> Result<Self, Malformed> {
        let text = |body: &[u8]| String::from_utf8(body.to_vec()).map_err(|_| Malformed);
        Ok(match kind {
            BEGUN => Self::Begun(Box::new(json(body)?)),
            FILE => Self::File(text(body)?),
            COMPLETE => Self::Complete(json(body)?),
            PROGRESS => {
                let (at, of) = json(body)?;
                Self::Progress(at, of)
            }
            END => Self::End(json(body)?),
            _ => return Err(Malformed),
        })
    }
}

fn json<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Malformed> {
    serde_json::from_slice(body).map_err(|_| Malformed)
}

/// Makes pieces of what comes through a connection.
#[derive(Debug, Default)]
pub struct Decoder {
    /// A piece that is not all there yet.
    begun: Vec<u8>,
    /// How much more data comes.
    data: usize,
}

impl Decoder {
    /// What is complete with this part.
    pub fn take(&mut self, mut part: Bytes) -> Result<Vec<Piece>, Malformed> {
        let mut pieces = Vec::new();
        while !part.is_empty() {
            if self.data > 0 {
                let data = part.split_to(self.data.min(part.len()));
                self.data -= data.len();
                pieces.push(Piece::Data(data));
                continue;
            }
            let wanted = self.wanted()?.saturating_sub(self.begun.len());
            let here = wanted.min(part.len());
            self.begun.extend_from_slice(&part[..here]);
            part.advance(here);
            if self.begun.len() < self.wanted()? {
                continue;
            }
            let begun = std::mem::take(&mut self.begun);
            let (head, body) = begun.split_at_checked(HEAD).ok_or(Malformed)?;
            match head.first() {
                Some(&DATA) => self.data = length(head)?,
                Some(&kind) => pieces.push(Piece::decode(kind, body)?),
                None => return Err(Malformed),
            }
        }
        Ok(pieces)
    }

    /// How long the piece is that has begun, as far as is known; of data, only its head.
    fn wanted(&self) -> Result<usize, Malformed> {
        match self.begun.split_at_checked(HEAD) {
            None | Some((&[DATA, ..], _)) => Ok(HEAD),
            Some((head, _)) => match length(head)? {
                length if length <= LARGEST => Ok(HEAD + length),
                _ => Err(Malformed),
            },
        }
    }
}

fn length(head: &[u8]) -> Result<usize, Malformed> {
    let length = head.get(1..HEAD).and_then(|length| length.try_into().ok());
    let length = u32::from_be_bytes(length.ok_or(Malformed)?);
    usize::try_from(length).map_err(|_| Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::export::order::Reached;
    use eventstore::Position;

    fn pieces() -> Vec<Piece> {
        let note = FileNote {
            reached: Reached {
                room: None,
                position: Position::new(7),
            },
            results: 3,
            first: Position::new(1),
            conversation: None,
        };
        vec![
            Piece::File("a.ndjson".to_owned()),
            Piece::Data(Bytes::from_static(b"some data")),
            Piece::Data(Bytes::new()),
            Piece::Complete(note),
            Piece::Progress(1, 2),
            Piece::End(Shown::default()),
        ]
    }

    /// The same with data that belongs together in one piece.
    fn joined(pieces: Vec<Piece>) -> Vec<Piece> {
        let mut joined: Vec<Piece> = Vec::new();
        for piece in pieces {
            match (joined.last_mut(), &piece) {
                (Some(Piece::Data(one)), Piece::Data(other)) => {
                    *one = [one.as_ref(), other].concat().into();
                }
                _ => joined.push(piece),
            }
        }
        joined
    }

    #[test]
    fn pieces_come_out_as_they_went_in_however_they_are_cut() {
        let sent: Vec<u8> = pieces()
            .into_iter()
            .flat_map(Piece::encode)
            .flatten()
            .collect();
        for size in [1, 2, 3, 7, sent.len()] {
            let mut decoder = Decoder::default();
            let parts = sent.chunks(size).map(Bytes::copy_from_slice);
            let came: Vec<_> = parts.flat_map(|part| decoder.take(part).unwrap()).collect();
            assert_eq!(joined(came), joined(pieces()), "in parts of {size}");
        }
    }

    #[test]
    fn what_is_no_piece_is_refused() {
        for wrong in [&b"X\0\0\0\0"[..], b"C\0\0\0\x02{}", b"C\xff\xff\xff\xff"] {
            let taken = Decoder::default().take(Bytes::copy_from_slice(wrong));
            assert_eq!(taken, Err(Malformed), "{wrong:?}");
        }
    }
}
