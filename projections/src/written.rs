//! Which views an event is written to.
//!
//! What a view does with an event is code. So that it can also be told, a test applies events of every type to workspaces
//! where everything has happened, notes the views that statements write, and compares them with the list that is answered
//! from. Of a view of somebody's own there is no list: the event is applied to its tables while they are empty.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use eventstore::{LogId, Place, RecordedEvent};
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};

use crate::engine::applied::Applied;
use crate::engine::handle::Views;
use crate::engine::past::Spacing;
use crate::engine::projection::{Apply, Projection};
use crate::engine::tables::scratch;
use crate::engine::tx::Tx;

/// One line for each type of event: its name, and the names of the views.
const LIST: &str = include_str!("written.txt");

/// The names of the views that events of a type are written to, or can be, in the order that they go through them. Empty
/// for a type that there is not.
fn views_written_by(event_type: &str) -> Vec<&'static str> {
    let mut lines = LIST.lines().map(str::split_whitespace);
    let line = lines.find_map(|mut words| (words.next()? == event_type).then_some(words));
    line.into_iter().flatten().collect()
}

impl Views {
    /// The names of the views that each of these events is written to, or can be, in the order that they go through them.
    /// Of a view that is not of this crate, those are told that it writes to empty tables: what it would do because of
    /// rows that it has is not known.
    pub async fn written_by(&self, events: Vec<RecordedEvent>) -> Vec<Vec<&'static str>> {
        let listed = events
            .iter()
            .map(|event| views_written_by(&event.event_type));
        let mut written: Vec<Vec<_>> = listed.collect();
        let added = self.registry().added().to_vec();
        if added.is_empty() {
            return written;
        }
        let log = self.place().log;
        let tried = tokio::task::spawn_blocking(move || tried(&added, log, &events)).await;
        // A view that panics is told of where it is applied.
        for (views, more) in written.iter_mut().zip(tried.unwrap_or_default()) {
            views.extend(more);
        }
        written
    }
}

/// Which of these views write something of each event.
fn tried(
    views: &[&'static Projection],
    log: LogId,
    events: &[RecordedEvent],
) -> Vec<Vec<&'static str>> {
    let mut written = vec![Vec::new(); events.len()];
    for view in views {
        let Ok(mut trial) = Trial::of(view, log) else {
            continue;
        };
        for (event, views) in events.iter().zip(&mut written) {
            let applied = Applied::decode(event);
            if applied.is_ok_and(|applied| trial.writes(&applied)) {
                views.push(view.name);
            }
        }
    }
    written
}

/// The empty tables of a view, and whether a statement was made that writes to them.
struct Trial {
    view: &'static Projection,
    tx: Tx,
    wrote: Arc<AtomicBool>,
}

impl Trial {
    fn of(view: &'static Projection, log: LogId) -> rusqlite::Result<Self> {
        let mut conn = scratch(view)?;
        let wrote = Arc::new(AtomicBool::new(false));
        let noted = Arc::clone(&wrote);
        // Asked when a statement is prepared: none is kept.
        conn.set_prepared_statement_cache_capacity(0);
        conn.authorizer(Some(move |about: AuthContext<'_>| {
            if let AuthAction::Insert { .. }
            | AuthAction::Delete { .. }
            | AuthAction::Update { .. } = about.action
            {
                noted.store(true, Ordering::Relaxed);
            }
            Authorization::Allow
        }))?;
        Ok(Self {
            view,
            tx: Tx::new(conn, Place::start(log), Spacing::default(), None),
            wrote,
        })
    }

    /// Whether the view writes something of an event. Whatever it writes is taken back: each event finds empty tables.
    fn writes(&mut self, event: &Applied) -> bool {
        self.wrote.store(false, Ordering::Relaxed);
        if self.tx.conn.execute_batch("SAVEPOINT trial").is_err() {
            return false;
        }
        // That it is refused is told by dead letters: what was written until then is what can be.
        match self.view.apply {
            Apply::Total(apply) => drop(apply(&mut self.tx, event)),
            Apply::Partial { apply, .. } => drop(apply(&mut self.tx, event)),
        }
        let _ = self
            .tx
            .conn
            .execute_batch("ROLLBACK TO trial; RELEASE trial");
        self.wrote.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::fmt::Write as _;

    use domain::EventPayload as _;
    use parking_lot::Mutex;
    use rusqlite::Connection;

    use super::*;
    use crate::engine::worker;
    use crate::function_tests::{all, chaos, live};

    /// Set to write the list anew.
    const WRITE: &str = "HANSARD_WRITE_GOLDEN";

    /// The tables of each view, and their number in the order of the views.
    fn owners() -> BTreeMap<&'static str, usize> {
        let mut owners = BTreeMap::new();
        for (number, view) in all().iter().enumerate() {
            let made = view.tables.split("CREATE TABLE ").skip(1);
            let tables = made.filter_map(|rest| rest.split([' ', '(']).next());
            owners.extend(tables.map(|table| (table, number)));
        }
        owners
    }

    /// The tables that statements write, whether or not they find a row to change.
    type Noted = Arc<Mutex<BTreeSet<String>>>;

    /// Has the connection note which tables are written.
    fn note_writes(conn: &mut Connection) -> Noted {
        let noted = Noted::default();
        let notes = Arc::clone(&noted);
        // Asked when a statement is prepared: none is kept.
        conn.set_prepared_statement_cache_capacity(0);
        conn.authorizer(Some(move |about: AuthContext<'_>| {
            if let AuthAction::Insert { table_name }
            | AuthAction::Delete { table_name }
            | AuthAction::Update { table_name, .. } = about.action
            {
                notes.lock().insert(table_name.to_owned());
            }
            Authorization::Allow
        }))
        .unwrap();
        noted
    }

    #[test]
    fn the_list_is_what_is_written() {
        let dir = tempfile::tempdir().unwrap();
        let owners = owners();
        let mut written: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
        // Some of what an event can be written to is rare.
        for seed in 1..=12 {
            let mut tx = live(&dir.path().join(format!("views-{seed}.sqlite")));
            let noted = note_writes(&mut tx.conn);
            for event in chaos(seed, 2500) {
                worker::transact(&mut tx, &all(), std::slice::from_ref(&event)).unwrap();
                tx.trim();
                let tables = std::mem::take(&mut *noted.lock());
                let views = tables.iter().filter_map(|table| owners.get(table.as_str()));
                let of_type = written.entry(event.event.event_type()).or_default();
                of_type.extend(views);
            }
        }
        let mut list = String::new();
        for (event_type, views) in written {
            list.push_str(event_type);
            for view in views {
                write!(list, " {}", all()[view].name).unwrap();
            }
            list.push('\n');
        }
        if std::env::var_os(WRITE).is_some() {
            let file = concat!(env!("CARGO_MANIFEST_DIR"), "/src/written.txt");
            std::fs::write(file, list).unwrap();
            return;
        }
        assert!(
            list == LIST,
            "events are written to other views; look at what changed, with {WRITE}=1:\n{list}"
        );
    }

    #[test]
    fn views_are_named_in_their_order() {
        let views = views_written_by("MessagePosted");
        assert_eq!(views.first(), Some(&"record_postings"), "{views:?}");
        assert!(views.contains(&"messages"), "{views:?}");
        assert_eq!(views_written_by("NothingHappened"), [""; 0]);
    }
}
