//! How an export begins and ends: what it covers is fixed, and recorded before anything is given out.

use std::collections::BTreeMap;

use domain::audit::{self, QuestionKind, RecordReader};
use domain::limits;

use super::claims::Claim;
use super::follow::{self, AFTER, FORMAT, NAME, RESUMES, THROUGH};
use super::job::{Ended, Job};
use super::order::{ExportWish, Order};
use super::piece::Begun;
use crate::error::{Error, Fault};
use crate::ids::now;
use crate::record::access::{Auditor, Shown, Tally};
use crate::record::question::NotUnderstood;
use crate::workspace::Workspace;

/// The version of this program.
const PROGRAM: &str = env!("CARGO_PKG_VERSION");

/// Begins an export, which is recorded. `_claim`: of its name, and kept until the export is recorded as complete, or noted as one
/// that waits.
pub async fn begin(
    workspace: &Workspace,
    auditor: &Auditor,
    wish: &ExportWish,
    _claim: &Claim,
) -> Result<Shown<Begun>, Error> {
    let mut order = fix(workspace, auditor, wish).await?;
    let kind = QuestionKind::Export;
    let trace = auditor.record_begin(workspace, kind, narrowed(&order));
    let (reading, unrecorded) = trace.await?.parts();
    place_is_kept(&order, unrecorded.as_deref())?;
    if let Some(reading) = &reading {
        order.export.clone_from(reading);
    }
    let answer = Begun { order, reading };
    Ok(Shown { answer, unrecorded })
}

/// Goes on with an export, which is recorded.
pub async fn resume(
    workspace: &Workspace,
    auditor: &Auditor,
    order: Order,
) -> Result<Shown<Begun>, Error> {
    check(workspace, &order).await?;
    // Whoever goes on with it gets what it was begun with.
    let auditor = &Auditor::of_reader(auditor.reader(), order.private_rooms);
    let mut narrowed = narrowed(&order);
    narrowed.insert(RESUMES.to_owned(), order.export.clone());
    let kind = QuestionKind::Export;
    let trace = auditor.record_begin(workspace, kind, narrowed).await?;
    let (reading, unrecorded) = trace.parts();
    place_is_kept(&order, unrecorded.as_deref())?;
    let answer = Begun { order, reading };
    Ok(Shown { answer, unrecorded })
}

/// Refuses an export that others are to follow if where it ends cannot be recorded.
fn place_is_kept(order: &Order, unrecorded: Option<&str>) -> Result<(), Fault> {
    match (&order.name, unrecorded) {
        (Some(_), Some(reason)) => Err(Fault::PlaceNotKept(reason.to_owned())),
        (None, _) | (_, None) => Ok(()),
    }
}

/// Whether an export can go on: this is the log and the program that it was begun with. Returns once the views have all it
/// covers.
pub(super) async fn check(workspace: &Workspace, order: &Order) -> Result<(), Error> {
    if order.program != PROGRAM {
        return Err(NotUnderstood::OtherProgram(order.program.clone()).into());
    }
    let log = workspace.executor().store();
    let place = log.place(order.upto).await?;
    let same = place.is_some_and(|place| place.mark().to_string() == order.mark);
    if !same || !order.is_of(log.id()) {
        return Err(NotUnderstood::OtherRecord.into());
    }
    workspace.views().wait_for(order.upto).await?;
    Ok(())
}

/// Records that a complete export is given to somebody.
pub async fn taken(workspace: &Workspace, auditor: &Auditor, job: &Job) -> Result<(), Error> {
    let results = match &job.ended {
        Some(Ended::Complete { finished, .. }) => finished.results,
        Some(Ended::Failed { .. }) | None => 0,
    };
    happened(workspace, auditor, job, audit::DOWNLOADED, results).await
}

/// Records that an export is removed.
pub(super) async fn removed(
    workspace: &Workspace,
    auditor: &Auditor,
    job: &Job,
) -> Result<(), Error> {
    happened(workspace, auditor, job, audit::REMOVED, 0).await
}

async fn happened(
    workspace: &Workspace,
    auditor: &Auditor,
    job: &Job,
    what: &str,
    results: u64,
) -> Result<(), Error> {
    let narrowed = BTreeMap::from([(what.to_owned(), job.id().to_owned())]);
    let tally = Tally::of_results(results);
    // It tells of private rooms if the export does.
    let auditor = Auditor::of_reader(auditor.reader(), job.begun.order.private_rooms);
    let recorded = auditor.record(workspace, QuestionKind::Export, narrowed, tally);
    recorded.await.map(drop)
}

/// Records that all files of an export are complete. What it showed is what was shown since it began, or went on.
/// `private_rooms`: as its order says, so that whoever does not see these does not learn of them by how it ended.
pub async fn end(
    workspace: &Workspace,
    reader: &RecordReader,
    private_rooms: bool,
    reading: String,
    shown: audit::Shown,
) -> Result<(), Error> {
    let auditor = Auditor::of_reader(reader, private_rooms);
    auditor.record_end(workspace, reading, shown).await
}

/// The question as the event of the reading has it.
fn narrowed(order: &Order) -> BTreeMap<String, String> {
    let mut narrowed = order.question.clone();
    narrowed.insert(FORMAT.to_owned(), order.format.name().to_owned());
    narrowed.insert(AFTER.to_owned(), order.after.to_string());
    narrowed.insert(THROUGH.to_owned(), order.mark.clone());
    if let Some(name) = &order.name {
        narrowed.insert(NAME.to_owned(), name.clone());
        narrowed.extend(follow::ids(order));
    }
    narrowed
}

async fn fix(workspace: &Workspace, auditor: &Auditor, wish: &ExportWish) -> Result<Order, Error> {
    if let Some(name) = &wish.name {
        named(name, wish)?;
    }
    let private_rooms = auditor.sees_private_rooms();
    let query = wish.asked.understand(workspace, private_rooms).await?.query;
    let log = workspace.executor().store();
    let upto = match query.upto {
        Some(upto) => upto,
        None => log.head().await?,
    };
    // Where the last of its name ended may be noted behind the end of this one.
    let known = match wish.name {
        Some(_) => log.head().await?.max(upto),
        None => upto,
    };
    workspace.views().wait_for(known).await?;
    let place = log.place(upto).await?;
    let place = place.ok_or_else(|| Fault::Impossible("the log ends before its head".into()))?;
    let order = Order {
        export: crate::ids::fresh_id(),
        format: wish.format,
        log: log.id().to_string(),
        after: query.after.min(upto),
        upto,
        mark: place.mark().to_string(),
        rooms: query.rooms,
        users: query.users,
        private_rooms,
        question: wish.asked.narrowed(),
        name: wish.name.clone(),
        asked_by: auditor.reader().clone(),
        asked_at: now(),
        program: PROGRAM.to_owned(),
    };
    let last = match &order.name {
        Some(name) => follow::end_of_last(workspace, name, &order).await?,
        None => None,
    };
    match last {
        Some(last) if last > upto => Err(NotUnderstood::EndsBeforeTheLast { last, upto }.into()),
        Some(last) => Ok(Order {
            after: last,
            ..order
        }),
        None => Ok(order),
    }
}

/// Whether exports can be called so, and this can be one of them.
fn named(name: &str, wish: &ExportWish) -> Result<(), NotUnderstood> {
    if name.is_empty() || name.len() > limits::NAME {
        return Err(NotUnderstood::NotAName(limits::NAME));
    }
    // It begins where the last one ended: anything else would be a gap.
    if wish.asked.from.is_some() {
        return Err(NotUnderstood::TwoBeginnings);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::export::ExportFormat;
    use crate::record::question::Asked;

    #[test]
    fn what_follows_has_a_name_and_one_beginning() {
        let wish = |from: Option<&str>| ExportWish {
            asked: Asked {
                from: from.map(str::to_owned),
                ..Asked::default()
            },
            format: ExportFormat::Csv,
            name: None,
        };
        let longest = "n".repeat(limits::NAME);
        for (name, from, wanted) in [
            ("nightly", None, Ok(())),
            (&*longest, None, Ok(())),
            (
                &*format!("{longest}n"),
                None,
                Err(NotUnderstood::NotAName(limits::NAME)),
            ),
            ("", None, Err(NotUnderstood::NotAName(limits::NAME))),
            ("nightly", Some("1"), Err(NotUnderstood::TwoBeginnings)),
        ] {
            assert_eq!(named(name, &wish(from)), wanted, "{name:?} from {from:?}");
        }
    }
}
