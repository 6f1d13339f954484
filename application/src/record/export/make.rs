//! The log becomes pieces of files.

use tokio::sync::mpsc;

use super::conversations::{self, Look};
use super::events::{self, Form};
use super::order::{ExportFormat, Order, Reached};
use super::out::{Interrupted, Out};
use super::piece::Piece;
use crate::error::Error;
use crate::workspace::Workspace;

/// Makes what is left of an export behind what is complete. Returns once nobody takes the pieces any more, or all are made.
pub async fn make(
    workspace: &Workspace,
    order: &Order,
    reached: Option<Reached>,
    pieces: mpsc::Sender<Piece>,
) -> Result<(), Error> {
    let out = Out::new(pieces);
    let events = |form, reached| events::make(workspace, order, form, reached, &out);
    let conversations = |look, reached| conversations::make(workspace, order, look, reached, &out);
    let work = async {
        let tally = match order.format {
            ExportFormat::Ndjson => events(Form::Ndjson, reached).await?,
            ExportFormat::Csv => events(Form::Csv, reached).await?,
            ExportFormat::Html => conversations(Look::Html, reached).await?,
            ExportFormat::Eml => conversations(Look::Eml, reached).await?,
            ExportFormat::Rsmf => conversations(Look::Rsmf, reached).await?,
        };
        // What is behind the last event that was found was looked through, too.
        let all = order.upto.get() - order.after.get();
        out.put(Piece::Progress(all, all)).await?;
        out.put(Piece::End(tally.shown())).await
    };
    match work.await {
        Ok(()) | Err(Interrupted::Unwanted) => Ok(()),
        Err(Interrupted::Failed(error)) => Err(error),
    }
}
