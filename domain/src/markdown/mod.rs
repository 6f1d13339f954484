//! What is written in a message, as a tree that clients show: the grammar of Rocket.Chat's messages.
//!
//! The tree is what version 0.32 of the npm package `@rocket.chat/message-parser` makes of the same text; where it
//! differs is listed, with the reason, in `tests/tests/message_parser.rs`. Every message is parsed when it is said and
//! again when views are built, by the thread that builds them. So a text that nothing in it can mean more than itself
//! is recognised at once, and whatever somebody writes, the work stays in proportion to its length ([`WORK`]).

mod address;
mod block;
mod emoji;
mod inline;
mod mark;
mod node;
mod parser;
mod place;
mod table;
mod token;

pub use node::*;

use parser::Parser;

/// How much work there may be for each byte of a text, in steps of the parser. What people write needs less than a
/// tenth; what is left when it is used up is plain text.
const WORK: usize = 32;

/// What is understood besides what always is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// `color:#1e90ff`
    pub colors: bool,
    /// `:-)`
    pub emoticons: bool,
    /// Formulas.
    pub katex: Katex,
    /// Domains whose hosts are links, though they are not on the Internet.
    pub custom_domains: Vec<String>,
}

/// How formulas are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Katex {
    /// `$x$`, and `$$x$$` for a formula in lines of its own.
    pub dollar: bool,
    /// `\(x\)`, and `\[x\]` for a formula in lines of its own.
    pub parenthesis: bool,
}

/// The tree of a text. Of an empty one it is empty.
pub fn parse<'a>(text: &'a str, options: &Options) -> Root<'a> {
    if is_plain(text) {
        let value = vec![Inline::plain(text)];
        return Root(vec![Block::Paragraph { value }]);
    }
    Parser::new(text, options).root()
}

/// Whether a text surely means nothing more than itself. Says no rather too often.
fn is_plain(text: &str) -> bool {
    let bytes = text.as_bytes();
    let Some(first) = bytes.first() else {
        return false;
    };
    // Lists, quotes, rules.
    if matches!(first, b'-' | b'>' | b' ' | b'\t' | b'0'..=b'9') {
        return false;
    }
    !bytes
        .iter()
        .enumerate()
        .any(|(at, byte)| match KINDS[usize::from(*byte)] {
            Kind::Plain => false,
            Kind::Special => true,
            Kind::Inside => !matches!(bytes.get(at + 1), None | Some(b' ')),
        })
}

/// What a byte may be the beginning of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Special,
    /// Only what has something behind it: the dot of a host.
    Inside,
}

const KINDS: [Kind; 256] = {
    let mut kinds = [Kind::Plain; 256];
    let special = b"\n\\*_~`|[<()@#$+:=";
    let mut at = 0;
    while at < special.len() {
        kinds[special[at] as usize] = Kind::Special;
        at += 1;
    }
    kinds[b'.' as usize] = Kind::Inside;
    kinds[b';' as usize] = Kind::Inside;
    kinds[b'-' as usize] = Kind::Inside;
    // The first bytes of characters that may be emoji.
    kinds[0xc2] = Kind::Special;
    kinds[0xe2] = Kind::Special;
    kinds[0xe3] = Kind::Special;
    let mut lead = 0xf0;
    while lead <= 0xf4 {
        kinds[lead] = Kind::Special;
        lead += 1;
    }
    kinds
};

#[cfg(test)]
mod tests;
