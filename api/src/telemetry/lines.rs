//! The last log lines, for callers who may see them (contract, admin 6 `stdout.queue`).

use std::collections::VecDeque;
use std::io;
use std::sync::LazyLock;

use application::ids::now;
use domain::Timestamp;
use parking_lot::Mutex;
use serde::Serialize;
use tracing_subscriber::fmt::MakeWriter;

/// How many lines are kept at most.
const LINES: usize = 1000;

/// How many bytes of a line are kept.
const LONGEST: usize = 4096;

#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// Numbered from 1 since the start.
    pub id: u64,
    pub string: String,
    #[serde(skip)]
    pub at: Timestamp,
}

#[derive(Default)]
struct Queue {
    lines: VecDeque<Line>,
    last: u64,
}

/// One process has one log.
static QUEUE: LazyLock<Mutex<Queue>> = LazyLock::new(Mutex::default);

/// The last `limit` lines, oldest first.
pub fn last(limit: usize) -> Vec<Line> {
    let queue = QUEUE.lock();
    let skip = queue.lines.len().saturating_sub(limit);
    queue.lines.iter().skip(skip).cloned().collect()
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Recorder;

impl io::Write for Recorder {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        // Nothing that could fail is done while the queue is locked.
        let lines: Vec<String> = lines.map(clean).collect();
        let mut queue = QUEUE.lock();
        for string in lines {
            queue.last += 1;
            let id = queue.last;
            if queue.lines.len() >= LINES {
                queue.lines.pop_front();
            }
            queue.lines.push_back(Line {
                id,
                string,
                at: now(),
            });
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Recorder {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        *self
    }
}

/// Without colours, without names and passwords in addresses, and not too long.
fn clean(line: &str) -> String {
    let mut out = String::with_capacity(line.len().min(LONGEST));
    let mut rest = line;
    while let Some(start) = rest.find('\u{1b}') {
        out.push_str(&rest[..start]);
        rest = rest[start..]
            .find('m')
            .map_or("", |end| &rest[start + end + 1..]);
    }
    out.push_str(rest);
    let mut out = without_credentials(&out);
    if out.len() > LONGEST {
        out.truncate(domain::text::cut_bytes(&out, LONGEST).len());
    }
    out
}

/// `scheme://name:password@host` becomes `scheme://***@host`. No log line should have any; this makes sure.
fn without_credentials(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("://") {
        let (before, after) = rest.split_at(start + 3);
        out.push_str(before);
        let end = after
            .find(|letter: char| letter.is_whitespace() || matches!(letter, '/' | '"' | '\''))
            .unwrap_or(after.len());
        match after[..end].rfind('@') {
            Some(at) => {
                out.push_str("***");
                rest = &after[at..];
            }
            None => rest = after,
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn the_last_lines_are_kept_without_what_is_secret() {
        let mut recorder = Recorder;
        for number in 0..(LINES + 10) {
            writeln!(recorder, "line {number}").expect("memory");
        }
        writeln!(
            recorder,
            "\u{1b}[32m INFO\u{1b}[0m cannot reach mongodb://ann:secret@db:27017/chat"
        )
        .expect("memory");
        let lines = last(LINES * 2);
        assert_eq!(lines.len(), LINES);
        let newest = &lines[LINES - 1];
        assert_eq!(
            newest.string,
            " INFO cannot reach mongodb://***@db:27017/chat"
        );
        assert!(lines.windows(2).all(|pair| pair[0].id < pair[1].id));
        assert_eq!(last(2).len(), 2);
    }

    #[test]
    fn a_long_line_is_cut() {
        assert_eq!(clean(&"ä".repeat(LONGEST)).len(), LONGEST);
    }
}
