//! Addresses: those that stand in a text by themselves, and those that links name.

use std::borrow::Cow;
use std::sync::LazyLock;

use hashbrown::HashSet;

use super::Options;
use crate::link;

static TOP_LEVEL: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    let names = include_str!("tlds.txt").lines();
    names.filter(|name| !name.starts_with('#')).collect()
});

/// How long the name before the `@` of a mail address may be.
const LONGEST_LOCAL: usize = 64;

/// What begins a text, as far as addresses go.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A link to `src` that is written with so many bytes.
    Link(usize, String),
    /// Something written like an address that leads nowhere: none of its so many bytes mean anything.
    Nowhere(usize),
    /// No address, nor does one begin in the first `none` bytes. So many were looked at.
    Nothing { none: usize, looked: usize },
}

/// How many bytes of a text are of one kind.
fn run(text: &str, is: impl Fn(char) -> bool) -> usize {
    text.find(|c: char| !is(c)).unwrap_or(text.len())
}

fn of_host(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '-' | '_') || is_foreign(character)
}

/// Whether a character is beyond ASCII and neither a blank nor punctuation.
fn is_foreign(character: char) -> bool {
    !character.is_ascii()
        && !character.is_whitespace()
        && !matches!(character, '\u{2000}'..='\u{206f}' | '\u{3000}'..='\u{303f}')
}

fn of_scheme(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '+' | '-' | '.')
}

fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\r' | '\n')
}

/// How many bytes are labels joined by single dots, and whether there are two at least.
fn labels(text: &str) -> (usize, bool) {
    let mut length = run(text, of_host);
    let mut several = false;
    while length > 0 && !text[..length].ends_with('_') && text[length..].starts_with('.') {
        let more = run(&text[length + 1..], of_host);
        if more == 0 {
            break;
        }
        several = true;
        length += 1 + more;
    }
    (length, several)
}

/// An address of a page at the beginning of a text. `bare`: it may lack its scheme.
pub(super) fn page(text: &str, bare: bool, options: &Options) -> Found {
    let scheme = run(text, of_scheme);
    if scheme > 0 && text[scheme..].starts_with("://") {
        let start = scheme + 3;
        let start = start + credentials(&text[start..]);
        let (length, several) = labels(&text[start..]);
        return match &text[start..start + length] {
            host if several || host == "localhost" => whole(text, start, options),
            _ => Found::Nothing {
                none: scheme,
                looked: start + length,
            },
        };
    }
    let (looked, several) = labels(text);
    if several && bare {
        return whole(text, 0, options);
    }
    // What ends it may be the scheme of another.
    let none = if several {
        0
    } else {
        text[..looked].trim_end_matches(of_scheme).len()
    };
    Found::Nothing { none, looked }
}

/// How many bytes are `user:password@`.
fn credentials(text: &str) -> usize {
    let of_user = |c: char| of_host(c) || matches!(c, '.' | '+' | '%');
    let user = run(text, of_user);
    let password = text[user..]
        .strip_prefix(':')
        .map_or(0, |rest| run(rest, of_user) + 1);
    let length = user + password;
    if length > 0 && text[length..].starts_with('@') {
        length + 1
    } else {
        0
    }
}

/// The address up to the next blank, without the punctuation behind it. Its host begins at `host`.
fn whole(text: &str, host: usize, options: &Options) -> Found {
    let end = run(text, |c| !is_blank(c));
    let punctuation = |c: char| ".,!()*~'\"%=:;".contains(c);
    let address = text[..end].trim_end_matches(punctuation);
    if address.len() <= host {
        return Found::Nowhere(end);
    }
    let rest = &address[host..];
    let (name, after) = rest.split_at(run(rest, |c| !matches!(c, '/' | '?' | '#' | ':')));
    let port = after.strip_prefix(':').map(until_path);
    let (leads, src) = if host == 0 {
        let leads = port.is_none_or(is_port) && is_host(name, options);
        (leads, format!("//{address}"))
    } else {
        let leads = port.is_none_or(|port| !port.contains([':', '@']))
            && (name == "localhost" || is_host(name, options))
            && address.starts_with(|c: char| c.is_ascii_alphabetic());
        (leads, address.to_owned())
    };
    if leads && is_harmless(&src) {
        Found::Link(address.len(), src)
    } else {
        Found::Nowhere(address.len())
    }
}

fn until_path(text: &str) -> &str {
    &text[..run(text, |c| !matches!(c, '/' | '?' | '#'))]
}

/// Whether a name is that of a host on the Internet, or of the administrator's own domains.
fn is_host(name: &str, options: &Options) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let sound = |label: &str| {
        (1..=63).contains(&label.len())
            && label.chars().all(of_host)
            && !label.ends_with(['-', '_'])
    };
    if name.starts_with(['-', '_']) || name.len() > 253 || !name.split('.').all(sound) {
        return false;
    }
    if is_number(name) {
        return true;
    }
    let Some((_, top)) = name.rsplit_once('.') else {
        return false;
    };
    let top = lower(top);
    TOP_LEVEL.contains(&*top) || options.custom_domains.iter().any(|own| is_below(name, own))
}

/// Whether a host is a domain or in it.
fn is_below(host: &str, domain: &str) -> bool {
    let start = host.len().checked_sub(domain.len());
    let tail = start.and_then(|start| Some((start, host.get(start..)?)));
    tail.is_some_and(|(start, tail)| {
        tail.eq_ignore_ascii_case(domain) && (start == 0 || host[..start].ends_with('.'))
    })
}

fn lower(text: &str) -> Cow<'_, str> {
    if text.chars().any(char::is_uppercase) {
        Cow::Owned(text.to_lowercase())
    } else {
        Cow::Borrowed(text)
    }
}

/// Whether a name is an IPv4 address, as people read one.
fn is_number(name: &str) -> bool {
    let of_number = |part: &str| {
        part.len() <= 3 && !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit())
    };
    name.split('.').count() == 4 && name.split('.').all(of_number)
}

/// Whether an address may be followed.
fn is_harmless(address: &str) -> bool {
    link::is_harmless_in("src", address)
}

/// A mail address at the beginning of a text, perhaps with its scheme.
pub(super) fn mail(text: &str, options: &Options) -> Found {
    let address = text.strip_prefix("mailto:").unwrap_or(text);
    let scheme = text.len() - address.len();
    let first = address.chars().next();
    if !first.is_some_and(char::is_alphanumeric) {
        return Found::Nothing { none: 0, looked: 1 };
    }
    let local = local(address);
    let nothing = |looked| match scheme {
        0 => Found::Nothing {
            none: local,
            looked,
        },
        _ => Found::Nothing { none: 0, looked },
    };
    let Some(domain) = address[local..].strip_prefix('@') else {
        return nothing(local);
    };
    let of_domain = |c: char| of_host(c) || matches!(c, '^' | '{' | '}');
    let domain = &domain[..dotted(domain, of_domain)];
    let length = local + 1 + domain.len();
    if local > LONGEST_LOCAL || is_number(domain) || !is_host(domain, options) {
        return nothing(length);
    }
    Found::Link(scheme + length, format!("mailto:{}", &address[..length]))
}

/// How many bytes are words joined by single dots.
fn dotted(text: &str, of_word: impl Fn(char) -> bool) -> usize {
    let mut length = run(text, &of_word);
    while text[length..].starts_with('.') {
        match run(&text[length + 1..], &of_word) {
            0 => break,
            more => length += 1 + more,
        }
    }
    length
}

/// How many bytes are the name of a mailbox: its words, joined by single dots.
fn local(text: &str) -> usize {
    let of_word =
        |c: char| c.is_ascii_alphanumeric() || "!$%&'*+=^_`{|}~-".contains(c) || is_foreign(c);
    dotted(text, of_word)
}

/// What a link names between its brackets, and how many bytes that is: an address with its scheme, a host, or a number
/// to call. It ends before `close`.
pub(super) fn target(text: &str, close: char) -> Option<(usize, Cow<'_, str>)> {
    if let Some((length, digits)) = super::token::phone(text, 1) {
        return text[length..]
            .starts_with(close)
            .then(|| (length, Cow::Owned(format!("tel:{digits}"))));
    }
    let length = match close {
        ')' => in_brackets(text)?,
        _ => run(text, |c| c != close && !is_blank(c)),
    };
    let address = &text[..length];
    if !text[length..].starts_with(close) || address.contains('|') {
        return None;
    }
    let scheme = run(address, of_scheme);
    if let Some(rest) = address[scheme..].strip_prefix(':')
        && scheme > 0
        && !rest.is_empty()
    {
        return if is_harmless(address) {
            Some((length, Cow::Borrowed(address)))
        } else {
            is_port(until_path(rest)).then(|| (length, Cow::Owned(format!("//{address}"))))
        };
    }
    let (host, several) = labels(address);
    let whole = matches!(address[host..].chars().next(), None | Some('/' | '?' | '#'));
    let named = several || (whole && &address[..host] == "localhost");
    let leads = named && !address[host..].starts_with(['.', '@']) && is_harmless(address);
    leads.then_some((length, Cow::Borrowed(address)))
}

/// Whether what stands behind a colon is a port, and what precedes it therefore a host.
fn is_port(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// How many bytes there are up to a closing bracket; pairs of brackets may stand before it.
fn in_brackets(text: &str) -> Option<usize> {
    let mut length = 0;
    loop {
        let rest = &text[length..];
        length += run(rest, |c| !is_blank(c) && !matches!(c, '(' | ')'));
        match text[length..].chars().next() {
            Some(')') => return Some(length),
            Some('(') => {
                length += 1;
                length += run(&text[length..], |c| !is_blank(c) && !matches!(c, '(' | ')'));
                text[length..].starts_with(')').then_some(())?;
                length += 1;
            }
            _ => return None,
        }
    }
}
