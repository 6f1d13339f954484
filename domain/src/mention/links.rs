//! Where a text leads to (contract, messages 3 steps 8 and 9).

use std::ops::ControlFlow;

use super::code::prose;
use super::{Distinct, run_end};
use crate::text;

/// Links in `text`, in order of appearance, each once, at most
/// [`limits::MENTIONS`](crate::limits::MENTIONS). Code is not looked into.
pub fn links(text: &str) -> Vec<&str> {
    let mut found = Distinct::default();
    if text.contains("://") {
        let _ = prose(text).try_for_each(|(_, part)| links_in_prose(part, &mut found));
    }
    found.list
}

/// How what Spotify plays is named in a text.
const SPOTIFY: &str = "spotify:";

/// Where it is on the web.
const SPOTIFY_PAGES: &str = "https://open.spotify.com/";

/// The pages of what Spotify plays, each with the URI, such as `spotify:track:x`, by which `said` names it; each once, at
/// most [`limits::MENTIONS`](crate::limits::MENTIONS). Code is not looked into.
pub fn spotify_pages(said: &str) -> Vec<(String, &str)> {
    let mut found = Distinct::default();
    if said.contains(SPOTIFY) {
        let mut words = prose(said).flat_map(|(_, part)| text::words(part));
        let _ = words.try_for_each(|word| match spotify_path(word) {
            Some(_) => found.add(word),
            None => ControlFlow::Continue(()),
        });
    }
    let page = |uri: &str| {
        Some(format!(
            "{SPOTIFY_PAGES}{}",
            spotify_path(uri)?.replace(':', "/")
        ))
    };
    let uris = found.list.into_iter();
    uris.filter_map(|uri| Some((page(uri)?, uri))).collect()
}

/// What is behind the scheme: two to four parts.
fn spotify_path(word: &str) -> Option<&str> {
    let path = word.strip_prefix(SPOTIFY)?;
    let is_part = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| is_word(byte) || b"-.%".contains(&byte))
    };
    let fits = (2..=4).contains(&path.split(':').count()) && path.split(':').all(is_part);
    fits.then_some(path)
}

fn links_in_prose<'a>(text: &'a str, found: &mut Distinct<&'a str>) -> ControlFlow<()> {
    const SCHEME: std::ops::RangeInclusive<usize> = 3..=9;
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(offset) = text.get(at..).and_then(|rest| rest.find("://")) {
        let colon = at + offset;
        let letters = bytes[at..colon]
            .iter()
            .rev()
            .take(*SCHEME.end())
            .take_while(|byte| byte.is_ascii_alphabetic())
            .count();
        at = colon + 3;
        let end = authority_end(bytes, at);
        if SCHEME.contains(&letters) && end > at {
            at = path_end(bytes, end);
            if !crate::link::runs(&text[colon - letters..colon].to_ascii_lowercase()) {
                found.add(&text[colon - letters..at])?;
            }
        }
    }
    ControlFlow::Continue(())
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Where user, host and port end; `start` when there is no host.
fn authority_end(bytes: &[u8], start: usize) -> usize {
    let host_end = |at| {
        run_end(bytes, at, |byte| {
            byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.'
        })
    };
    let user = run_end(bytes, start, |byte| {
        is_word(byte) || b"-;:&=+$,".contains(&byte)
    });
    let named = user > start && bytes.get(user) == Some(&b'@') && host_end(user + 1) > user + 1;
    let host = if named { user + 1 } else { start };
    let end = host_end(host);
    if end == host {
        return start;
    }
    match bytes.get(end) {
        Some(b':') => match run_end(bytes, end + 1, |byte| byte.is_ascii_digit()) {
            port if port > end + 1 => port,
            _ => end,
        },
        _ => end,
    }
}

/// Where path, query and fragment end.
fn path_end(bytes: &[u8], start: usize) -> usize {
    let mut end = start;
    if bytes.get(end) == Some(&b'/') {
        end = run_end(bytes, end, |byte| {
            is_word(byte) || b"-+=!:~%/.@,".contains(&byte)
        });
    }
    if bytes.get(end) == Some(&b'?') {
        end += 1;
    }
    end = run_end(bytes, end, |byte| {
        is_word(byte) || b"-+=&!:;%@/.,".contains(&byte)
    });
    if bytes.get(end) == Some(&b'#') {
        let fragment = run_end(bytes, end + 1, |byte| {
            !byte.is_ascii_whitespace() && byte != b')'
        });
        if fragment > end + 1 {
            end = fragment;
        }
    }
    end
}
