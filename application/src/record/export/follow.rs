//! Exports of one name, each of which goes on where the one before it ended. The log itself has where that was: as the
//! reading that the export was.

use std::collections::BTreeMap;

use domain::audit::{self, AuditEvent, RecordRead};
use domain::{Event, RoomId, UserId};
use eventstore::{Mark, Position, Version};
use futures::StreamExt as _;
use projections::{Order as Direction, RecordQuery};

use super::order::Order;
use crate::error::{Error, Fault};
use crate::record::question::NotUnderstood;
use crate::workspace::Workspace;

/// How many readings are looked through at once.
const CHUNK: usize = 100;

/// Beyond so many, one that was not finished is believed where it began: the one before it ended there.
const MOST_UNFINISHED: usize = 100;

/// Beyond so many, the same holds of what goes on with one: what follows it may have something twice, but no gap.
const MOST_RESUMED: usize = 1_000;

// What the event of the reading has of an export, beside the question.
pub(super) const NAME: &str = audit::NAME_OF_EXPORTS;
pub(super) const AFTER: &str = "after";
pub(super) const FORMAT: &str = "format";
pub(super) const THROUGH: &str = "through";
pub(super) const RESUMES: &str = "resumes";

/// What is named in the question, and under which name its ids are noted: a name can be somebody else's by the next time.
const NAMED: [(&str, &str); 2] = [(audit::ROOM, "room_ids"), ("user", "user_ids")];

/// Where the last finished export of the name of `order` ended, if there is one. It must have asked the same: what follows it
/// would have a gap, or be a mixture.
pub(super) async fn end_of_last(
    workspace: &Workspace,
    name: &str,
    order: &Order,
) -> Result<Option<Position>, Error> {
    let mut query = RecordQuery {
        exports: vec![name.to_owned()],
        order: Direction::NewestFirst,
        limit: CHUNK,
        ..RecordQuery::default()
    };
    let log = workspace.executor().store();
    let mut search = Search::new(name, order);
    loop {
        let found = workspace.views().search_record(query.clone()).await?;
        let events = log.read_at(found.positions).await?;
        for event in &events {
            let Ok(Event::Audit(AuditEvent::RecordRead(read))) = event.decode::<Event>() else {
                continue;
            };
            let finished = is_finished(workspace, &read).await?;
            if search.settles(&read, finished)? {
                return Ok(search.end);
            }
        }
        match events.last() {
            Some(last) if last.position > Position::new(1) => {
                query.upto = Some(Position::new(last.position.get() - 1));
            }
            _ => return Ok(search.end),
        }
    }
}

/// What is known of the last end, while readings are looked through from the newest on.
struct Search<'a> {
    name: &'a str,
    order: &'a Order,
    end: Option<Position>,
    unfinished: usize,
}

impl<'a> Search<'a> {
    fn new(name: &'a str, order: &'a Order) -> Self {
        Self {
            name,
            order,
            end: None,
            unfinished: 0,
        }
    }

    /// Whether no older reading has to be looked at.
    fn settles(&mut self, read: &RecordRead, finished: bool) -> Result<bool, Error> {
        // One that was resumed may have been begun, and end, before others that were finished earlier.
        let is_fresh = !read.question.narrowed.contains_key(RESUMES);
        if finished {
            alike(self.name, read, self.order)?;
            self.end = self.end.max(Some(through(read)?));
            return Ok(is_fresh);
        }
        self.unfinished += 1;
        let most = if is_fresh {
            MOST_UNFINISHED
        } else {
            MOST_RESUMED
        };
        if self.unfinished <= most {
            return Ok(false);
        }
        let began = began(read).filter(|after| *after > Position::START);
        if began.is_some() {
            alike(self.name, read, self.order)?;
            self.end = self.end.max(began);
        }
        Ok(true)
    }
}

/// Behind which position an export began.
fn began(read: &RecordRead) -> Option<Position> {
    let after = read.question.narrowed.get(AFTER)?.parse().ok()?;
    Some(Position::new(after))
}

async fn is_finished(workspace: &Workspace, read: &RecordRead) -> Result<bool, Error> {
    let stream = audit::stream(&read.reading);
    let log = workspace.executor().store();
    let mut chunks = log.read_stream(&stream, Version::FIRST.next());
    Ok(chunks.next().await.transpose()?.is_some())
}

/// Where an export ended.
fn through(read: &RecordRead) -> Result<Position, Error> {
    let mark = read.question.narrowed.get(THROUGH);
    let mark = mark.and_then(|mark| mark.parse::<Mark>().ok());
    let mark = mark.ok_or_else(|| Fault::Impossible("an export without an end".into()))?;
    Ok(mark.position)
}

/// The ids of the rooms and users of an export, as the event of its reading has them.
pub(super) fn ids(order: &Order) -> BTreeMap<String, String> {
    let rooms: Vec<_> = order.rooms.iter().map(RoomId::as_str).collect();
    let users: Vec<_> = order.users.iter().map(UserId::as_str).collect();
    let noted = NAMED.iter().zip([rooms, users]);
    let noted = noted.filter(|(_, ids)| !ids.is_empty());
    noted
        .map(|((_, noted), mut ids)| {
            ids.sort_unstable();
            ((*noted).to_owned(), ids.join(", "))
        })
        .collect()
}

/// Whether an export asked what `order` asks, but for positions.
fn alike(name: &str, read: &RecordRead, order: &Order) -> Result<(), NotUnderstood> {
    let unlike = |what: &'static str, was: String, wished: String| {
        Err(NotUnderstood::OtherQuestion {
            name: name.to_owned(),
            what,
            was,
            wished,
        })
    };
    let was = &read.question.narrowed;
    let ids = ids(order);
    for (asked, noted) in NAMED {
        let same = match was.get(noted) {
            Some(noted_ids) => ids.get(noted) == Some(noted_ids),
            None => was.get(asked) == order.question.get(asked),
        };
        if !same {
            let told = |name: Option<&String>| name.map_or("any", String::as_str).to_owned();
            return unlike(asked, told(was.get(asked)), told(order.question.get(asked)));
        }
    }
    if was.get(FORMAT).map(String::as_str) != Some(order.format.name()) {
        let was = was.get(FORMAT).cloned().unwrap_or_default();
        return unlike("format", was, order.format.name().to_owned());
    }
    if read.question.private_rooms != order.private_rooms {
        let told = |private_rooms| if private_rooms { "shown" } else { "left out" };
        let was = told(read.question.private_rooms).to_owned();
        return unlike("private rooms", was, told(order.private_rooms).to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::export::order::ExportFormat;
    use crate::record::export::testing;
    use domain::Timestamp;
    use domain::audit::{Question, QuestionKind};

    fn order() -> Order {
        Order {
            rooms: vec![RoomId::new("r2"), RoomId::new("r1")],
            question: BTreeMap::from([("room".to_owned(), "b, a".to_owned())]),
            name: Some("nightly".to_owned()),
            ..testing::order()
        }
    }

    fn read(order: &Order, private_rooms: bool) -> RecordRead {
        let mut narrowed = order.question.clone();
        narrowed.extend(ids(order));
        narrowed.insert(FORMAT.to_owned(), order.format.name().to_owned());
        RecordRead {
            reading: "r".to_owned(),
            reader: order.asked_by.clone(),
            question: Question {
                kind: QuestionKind::Export,
                narrowed,
                private_rooms,
            },
            shown: None,
            at: Timestamp::from_millis(0),
        }
    }

    #[test]
    fn of_many_that_were_not_finished_not_all_are_looked_at() {
        let order = order();
        let of = |after: u64, resumes: bool| {
            let mut read = read(&order, false);
            let narrowed = &mut read.question.narrowed;
            narrowed.insert(AFTER.to_owned(), after.to_string());
            narrowed.insert(THROUGH.to_owned(), order.mark.clone());
            if resumes {
                narrowed.insert(RESUMES.to_owned(), "r".to_owned());
            }
            read
        };
        let some = (MOST_UNFINISHED, false);
        let many = (MOST_RESUMED, true);
        for (case, (before, resumed), last, wanted) in [
            ("it began behind one", some, of(7, false), (true, Some(7))),
            ("it was the first", some, of(0, false), (true, None)),
            ("it goes on with an older", some, of(7, true), (false, None)),
            ("so do very many", many, of(7, true), (true, Some(7))),
        ] {
            let mut search = Search::new("nightly", &order);
            for _ in 0..before {
                let settled = search.settles(&of(7, resumed), false).unwrap();
                assert!(!settled, "{case}: a few are looked at");
            }
            let settled = search.settles(&last, false).unwrap();
            let end = search.end.map(Position::get);
            assert_eq!((settled, end), wanted, "{case}");
        }
    }

    #[test]
    fn what_would_leave_a_gap_or_be_a_mixture_is_told() {
        let renamed = Order {
            question: BTreeMap::from([("room".to_owned(), "other, names".to_owned())]),
            rooms: vec![RoomId::new("r1"), RoomId::new("r2")],
            ..order()
        };
        let another = Order {
            rooms: vec![RoomId::new("r1"), RoomId::new("r3")],
            ..order()
        };
        let written = Order {
            format: ExportFormat::Csv,
            ..order()
        };
        let of_user = Order {
            users: vec![UserId::new("u")],
            question: BTreeMap::from([
                ("room".to_owned(), "b, a".to_owned()),
                ("user".to_owned(), "ann".to_owned()),
            ]),
            ..order()
        };
        let private = Order {
            private_rooms: true,
            ..order()
        };
        for (case, order, wanted) in [
            ("the same", order(), None),
            ("the same rooms by other names", renamed, None),
            ("another room by the same name", another, Some("room")),
            ("another format", written, Some("format")),
            ("a user besides", of_user, Some("user")),
            ("private rooms too", private, Some("private rooms")),
        ] {
            let told = match alike("nightly", &read(&self::order(), false), &order) {
                Err(NotUnderstood::OtherQuestion { what, .. }) => Some(what),
                _ => None,
            };
            assert_eq!(told, wanted, "{case}");
        }
    }
}
