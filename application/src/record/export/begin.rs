//! How an export begins and ends: what it covers is fixed, and recorded before anything is given out.

use std::collections::BTreeMap;

use domain::audit::{self, AuditEvent, QuestionKind, RecordRead};
use domain::{Event, limits};
use eventstore::{Mark, Position, Version};
use futures::StreamExt as _;
use projections::{Order as Direction, RecordQuery};

use super::job::{Ended, Job};
use super::order::{ExportWish, Order};
use super::piece::Begun;
use crate::error::{Error, Fault};
use crate::ids::now;
use crate::record::access::{Auditor, Shown, Tally};
use crate::record::question::NotUnderstood;
use crate::workspace::Workspace;

/// How many readings are looked through at once.
const CHUNK: usize = 1_000;

/// The version of this program.
const PROGRAM: &str = env!("CARGO_PKG_VERSION");

// What the event of the reading has of an export, beside the question.
const NAME: &str = "name";
const FORMAT: &str = "format";
const AFTER: &str = "after";
const THROUGH: &str = "through";
const RESUMES: &str = "resumes";
const DOWNLOADED: &str = "downloaded";

/// Begins an export, which is recorded.
pub async fn begin(
    workspace: &Workspace,
    auditor: &Auditor,
    wish: &ExportWish,
) -> Result<Shown<Begun>, Error> {
    let mut order = fix(workspace, auditor, wish).await?;
    let kind = QuestionKind::Export;
    let trace = auditor.record_begin(workspace, kind, narrowed(&order));
    let (reading, unrecorded) = trace.await?.parts();
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
    let answer = Begun { order, reading };
    Ok(Shown { answer, unrecorded })
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
    let downloaded = BTreeMap::from([(DOWNLOADED.to_owned(), job.id().to_owned())]);
    let results = match &job.ended {
        Some(Ended::Complete { finished, .. }) => finished.results,
        Some(Ended::Failed { .. }) | None => 0,
    };
    let tally = Tally::of_results(results);
    let kind = QuestionKind::Export;
    let recorded = auditor.record(workspace, kind, downloaded, tally);
    recorded.await.map(drop)
}

/// Records that all files of an export are complete. What it showed is what was shown since it began, or went on.
pub async fn end(
    workspace: &Workspace,
    auditor: &Auditor,
    reading: String,
    shown: audit::Shown,
) -> Result<(), Error> {
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
    }
    narrowed
}

async fn fix(workspace: &Workspace, auditor: &Auditor, wish: &ExportWish) -> Result<Order, Error> {
    let private_rooms = auditor.sees_private_rooms();
    let query = wish.asked.understand(workspace, private_rooms).await?.query;
    let log = workspace.executor().store();
    let upto = match query.upto {
        Some(upto) => upto,
        None => log.head().await?,
    };
    workspace.views().wait_for(upto).await?;
    let place = log.place(upto).await?;
    let place = place.ok_or_else(|| Fault::Impossible("the log ends before its head".into()))?;
    if wish
        .name
        .as_ref()
        .is_some_and(|name| name.len() > limits::NAME)
    {
        return Err(NotUnderstood::LongName(limits::NAME).into());
    }
    let question = wish.asked.narrowed();
    let last = match &wish.name {
        Some(name) => last_of(workspace, name, &question).await?,
        None => None,
    };
    let after = last.map_or(query.after, |last| query.after.max(last));
    Ok(Order {
        export: crate::ids::fresh_id(),
        format: wish.format,
        log: log.id().to_string(),
        after: after.min(upto),
        upto,
        mark: place.mark().to_string(),
        rooms: query.rooms,
        users: query.users,
        private_rooms,
        question,
        name: wish.name.clone(),
        asked_by: auditor.reader().clone(),
        asked_at: now(),
        program: PROGRAM.to_owned(),
    })
}

/// Where the last finished export of a name ended, if there is one. The log itself has it: as the reading that it was.
async fn last_of(
    workspace: &Workspace,
    name: &str,
    question: &BTreeMap<String, String>,
) -> Result<Option<Position>, Error> {
    let mut query = RecordQuery {
        event_types: vec!["RecordRead".to_owned()],
        order: Direction::NewestFirst,
        limit: CHUNK,
        ..RecordQuery::default()
    };
    let log = workspace.executor().store();
    loop {
        let found = workspace.views().search_record(query.clone()).await?;
        let events = log.read_at(found.positions).await?;
        for event in &events {
            let Ok(Event::Audit(AuditEvent::RecordRead(read))) = event.decode::<Event>() else {
                continue;
            };
            if is_of(&read, name) && is_finished(workspace, &read).await? {
                return through(&read, name, question).map(Some);
            }
        }
        match events.last() {
            Some(last) if last.position > Position::new(1) => {
                query.upto = Some(Position::new(last.position.get() - 1));
            }
            _ => return Ok(None),
        }
    }
}

fn is_of(read: &RecordRead, name: &str) -> bool {
    let question = &read.question;
    question.kind == QuestionKind::Export
        && question.narrowed.get(NAME).is_some_and(|one| one == name)
}

async fn is_finished(workspace: &Workspace, read: &RecordRead) -> Result<bool, Error> {
    let stream = audit::stream(&read.reading);
    let log = workspace.executor().store();
    let mut chunks = log.read_stream(&stream, Version::FIRST.next());
    Ok(chunks.next().await.transpose()?.is_some())
}

/// Where an export ended, if it asked the same.
fn through(
    read: &RecordRead,
    name: &str,
    question: &BTreeMap<String, String>,
) -> Result<Position, Error> {
    let narrowed = &read.question.narrowed;
    for parameter in ["room", "user"] {
        if narrowed.get(parameter) != question.get(parameter) {
            return Err(NotUnderstood::OtherQuestion(name.to_owned()).into());
        }
    }
    let mark = narrowed
        .get(THROUGH)
        .and_then(|mark| mark.parse::<Mark>().ok());
    let mark = mark.ok_or_else(|| Fault::Impossible("an export without an end".into()))?;
    Ok(mark.position)
}
