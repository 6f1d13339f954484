//! Conversations in files, a file for each stretch.

use super::addresses::{Addresses, Known};
use super::conversation::{Span, Stretch};
use super::order::{Order, Reached};
use super::out::{Interrupted, Out};
use super::piece::Piece;
use super::stretches::Stretches;
use super::{eml, html, rsmf};
use crate::error::Fault;
use crate::record::access::Tally;
use crate::workspace::Workspace;

/// How conversations are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    Html,
    Eml,
    Rsmf,
}

impl Look {
    const fn span(self) -> Span {
        match self {
            Self::Html => Span::Month,
            Self::Eml | Self::Rsmf => Span::Day,
        }
    }

    const fn ending(self) -> &'static str {
        match self {
            Self::Html => "html",
            Self::Eml => "eml",
            Self::Rsmf => "rsmf",
        }
    }
}

/// Makes all files behind what is complete.
pub(super) async fn make(
    workspace: &Workspace,
    order: &Order,
    look: Look,
    reached: Option<Reached>,
    out: &Out,
) -> Result<Tally, Interrupted> {
    let mut tally = Tally::default();
    let mut addresses = Addresses::new(order.upto);
    let mut stretches = Stretches::begin(workspace, order, look.span(), reached).await?;
    // One that goes on is not at its beginning.
    let (done, all) = stretches.progress();
    out.put(Piece::Progress(done, all)).await?;
    while let Some(stretch) = stretches.next().await? {
        let (name, note) = (stretch.file(look.ending()), stretch.note());
        for _ in &stretch.lines {
            tally.count_one(Some(&stretch.conversation.id));
        }
        let known = match look {
            Look::Html => Known::new(),
            Look::Eml | Look::Rsmf => addresses.of(workspace, &stretch).await?,
        };
        let data = write(stretch, look, order, known).await?;
        out.put(Piece::File(name)).await?;
        out.put(Piece::Data(data.into())).await?;
        out.put(Piece::Complete(note)).await?;
        let (done, all) = stretches.progress();
        out.put(Piece::Progress(done, all)).await?;
    }
    Ok(tally)
}

async fn write(
    stretch: Stretch,
    look: Look,
    order: &Order,
    addresses: Known,
) -> Result<Vec<u8>, Interrupted> {
    let (log, program) = (order.log.clone(), order.program.clone());
    // There may be much to write: not on the runtime's threads.
    let written = tokio::task::spawn_blocking(move || match look {
        Look::Html => Ok(html::page(&stretch).into_bytes()),
        Look::Eml => eml::mail(&stretch, &log, &addresses),
        Look::Rsmf => rsmf::mail(&stretch, &log, &program, &addresses),
    });
    let failed = |_| Fault::Impossible("a page cannot be written".into());
    Ok(written.await.map_err(failed)??)
}
