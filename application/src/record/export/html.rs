//! Conversations as pages that are read in a browser, offline and without any script.

use std::fmt::Write as _;
use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::conversation::{Happening, Line, Message, Stretch};
use super::journal::Entry;
use super::visible::{escaped, fate, seconds};
use crate::record::deed::{Deed, Person};
use crate::record::message::{Attached, Reaction, Said, Version};

/// What the index of all pages is called.
pub(super) const INDEX: &str = "index.html";

const STYLE: &str = "body{font:1rem/1.4 sans-serif;margin:2rem auto;max-width:50rem;padding:0 1rem}\
article{border-top:1px solid #ccc;padding:.5rem 0}\
article.happening{color:#555}\
header,footer,small{color:#555;font-size:.85rem}\
pre{font:inherit;margin:.2rem 0;overflow-wrap:anywhere;white-space:pre-wrap}\
del{color:#933}\
.deleted{color:#933}";

/// Writes a page of several, which has a link to their index.
pub(super) fn page(stretch: &Stretch) -> String {
    let link = format!(" <a href=\"../{INDEX}\">All conversations</a>");
    written(stretch, &link)
}

/// Writes a page that stands alone.
pub(super) fn alone(stretch: &Stretch) -> String {
    written(stretch, "")
}

fn written(stretch: &Stretch, link: &str) -> String {
    let name = escaped(&stretch.conversation.name);
    let mut page = begin(&format!("{name}, {}", stretch.time));
    let _ = write!(
        page,
        "<h1><bdi>{name}</bdi>, {}</h1>\n<p>Conversation <code>{}</code>. All times are UTC.{link}</p>
",
        stretch.time,
        escaped(stretch.conversation.id.as_str()),
    );
    let members = &stretch.members;
    if !members.named.is_empty() {
        let named: Vec<_> = members.named.iter().map(person).collect();
        let more = match members.more {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let _ = writeln!(
            page,
            "<p>Members when it begins: {}{more}</p>",
            named.join(", ")
        );
    }
    page.push_str("<main>\n");
    for line in &stretch.lines {
        match line {
            Line::Message(told) => message(&mut page, told),
            Line::Happening(told) => happening(&mut page, told),
        }
    }
    page.push_str("</main>\n</body>\n</html>\n");
    page
}

/// What every page begins with: nothing is fetched from anywhere, and nothing is run. `title`: as HTML.
fn begin(title: &str) -> String {
    let style = STANDARD.encode(Sha256::digest(STYLE));
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-{style}'; \
         base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n<style>{STYLE}</style>\n\
         </head>\n<body>\n"
    )
}

fn person(person: &Person) -> String {
    let (name, id) = (escaped(&person.name), escaped(person.id.as_str()));
    format!("<bdi title=\"{id}\">{name}</bdi>")
}

/// Who did it and when, and who asked for it if that was somebody else.
fn deed(deed: &Deed) -> String {
    let by = person(&deed.by);
    let actor = deed.actor.as_ref();
    let actor = actor.map_or_else(String::new, |actor| format!(" (done by {})", person(actor)));
    let (time, position) = (seconds(deed.at.time), deed.at.position);
    format!("<b>{by}</b>{actor} <small>{time}, position {position}</small>")
}

fn happening(page: &mut String, told: &Happening) {
    let (time, position) = (seconds(told.at.time), told.at.position);
    let sentence = escaped(&told.sentence);
    let _ = writeln!(
        page,
        "<article class=\"happening\" id=\"p{position}\"><bdi>{sentence}</bdi> <small>{time}, position {position}</small></article>"
    );
}

fn message(page: &mut String, told: &Message) {
    let history = &told.history;
    let Some((original, edits)) = history.versions.split_first() else {
        return;
    };
    let position = original.deed.at.position;
    let _ = write!(
        page,
        "<article class=\"message\" id=\"p{position}\">\n<header>{} <small>message <code>{}</code></small></header>\n",
        deed(&original.deed),
        escaped(told.id.as_str()),
    );
    if let Some(thread) = &history.thread {
        let thread = escaped(thread.as_str());
        let _ = writeln!(
            page,
            "<small>a reply to message <code>{thread}</code></small>"
        );
    }
    let gone = history.outcomes.iter().any(|outcome| outcome.fate.ends());
    version(page, original, gone || !edits.is_empty());
    for (index, edit) in edits.iter().enumerate() {
        let _ = writeln!(page, "<footer>edited by {}</footer>", deed(&edit.deed));
        version(page, edit, gone || index + 1 < edits.len());
    }
    for reaction in &history.reactions {
        reacted(page, reaction);
    }
    for outcome in &history.outcomes {
        let _ = writeln!(
            page,
            "<footer class=\"deleted\">{}: {}</footer>",
            deed(&outcome.deed),
            fate(outcome.fate)
        );
    }
    if told.cut {
        page.push_str("<footer>More happened to this message than is told here.</footer>\n");
    }
    page.push_str("</article>\n");
}

/// `replaced`: it no longer stands.
fn version(page: &mut String, version: &Version, replaced: bool) {
    let (open, close) = if replaced {
        ("<del>", "</del>")
    } else {
        ("", "")
    };
    let said = match &version.said {
        Said::Text(text) => escaped(text),
        Said::Encrypted => "<i>encrypted end to end: the server never could read it</i>".to_owned(),
    };
    let _ = writeln!(page, "<pre dir=\"auto\">{open}{said}{close}</pre>");
    for attachment in version.attachments.iter().flatten() {
        attached(page, &Attached::of(attachment));
    }
}

/// The name and the addresses, as text: a page must not make a browser fetch anything.
fn attached(page: &mut String, attached: &Attached) {
    let name = attached
        .name
        .as_deref()
        .map_or_else(|| "without a name".to_owned(), escaped);
    let _ = write!(page, "<p>attached: <bdi>{name}</bdi>");
    if let Some(description) = &attached.description {
        let _ = write!(page, ": <bdi>{}</bdi>", escaped(description));
    }
    for link in &attached.links {
        let _ = write!(page, " <small><code>{}</code></small>", escaped(link));
    }
    page.push_str("</p>\n");
}

fn reacted(page: &mut String, reaction: &Reaction) {
    let did = if reaction.added {
        "reacted with"
    } else {
        "took back"
    };
    let emoji = escaped(&reaction.emoji);
    let _ = writeln!(
        page,
        "<footer>{} {did} <bdi>{emoji}</bdi></footer>",
        deed(&reaction.deed)
    );
}

/// Writes the index of the pages.
pub(super) fn index(
    out: &mut impl Write,
    files: impl Iterator<Item = io::Result<Entry>>,
) -> io::Result<()> {
    out.write_all(begin("Conversations").as_bytes())?;
    out.write_all(b"<h1>Conversations</h1>\n<p>Months are those of UTC.</p>\n<ul>\n")?;
    let mut last = None;
    for file in files {
        let file = file?;
        let Some(note) = file.note.conversation else {
            continue;
        };
        if last.as_ref() != Some(&note.room) {
            let close = if last.is_some() { "</ul></li>\n" } else { "" };
            let (name, id) = (escaped(&note.name), escaped(note.room.as_str()));
            writeln!(
                out,
                "{close}<li><bdi>{name}</bdi> <small><code>{id}</code></small><ul>"
            )?;
        }
        // Names of files are letters and digits.
        writeln!(
            out,
            "<li><a href=\"{}\">{}, from position {}</a> <small>{} lines</small></li>",
            file.name, note.time, file.note.first, file.note.results
        )?;
        last = Some(note.room);
    }
    let close = if last.is_some() { "</ul></li>\n" } else { "" };
    write!(out, "{close}</ul>\n</body>\n</html>\n")
}
