//! Which views an event is written to.
//!
//! What a view does with an event is code. So that it can also be told, a test applies events of every type to workspaces
//! where everything has happened, notes the views that statements write, and compares them with the list that is answered
//! from.

/// One line for each type of event: its name, and the names of the views.
const LIST: &str = include_str!("written.txt");

/// The names of the views that events of a type are written to, or can be, in the order that they go through them. Empty
/// for a type that there is not.
pub fn views_written_by(event_type: &str) -> Vec<&'static str> {
    let mut lines = LIST.lines().map(str::split_whitespace);
    let line = lines.find_map(|mut words| (words.next()? == event_type).then_some(words));
    line.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::fmt::Write as _;
    use std::sync::Arc;

    use domain::EventPayload as _;
    use parking_lot::Mutex;
    use rusqlite::Connection;
    use rusqlite::hooks::{AuthAction, AuthContext, Authorization};

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
        for seed in 1..=6 {
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
