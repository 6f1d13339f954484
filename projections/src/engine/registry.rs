//! Which views there are, and what a rebuild of some of them takes.

use std::sync::Arc;

use crate::engine::index::Index;
use crate::engine::past::{Kept, Spacing};
use crate::engine::projection::{Projection, Selected};
use crate::engine::tables::{has_plain_key, named, scratch, tables_of};
use crate::engine::work::Task;

/// Views that change together: none of them is right without the others.
#[derive(Debug)]
pub(crate) struct Together {
    /// The name they have together.
    pub(crate) name: &'static str,
    pub(crate) views: &'static [&'static str],
}

/// What views have to do with each other.
#[derive(Debug)]
pub(crate) struct Relations {
    /// Nearly all of a file. To copy its tables into another file, the worker would stand still for too long: a whole file is
    /// built for it.
    pub(crate) bulk: Together,
    /// What else must have been applied for a view (or several) to be right: what is looked at while an event is applied.
    /// Views that are not here look at nothing but the event and their own tables.
    pub(crate) needs: &'static [(&'static str, &'static [&'static str])],
    /// The views whose tables can be had as they were at an earlier position.
    pub(crate) past: &'static [&'static Projection],
    /// Their tables.
    pub(crate) kept: &'static [Kept],
}

/// Which views a server has: those of this crate, and those it was given.
#[derive(Clone, Debug)]
pub struct Registry {
    all: Selected,
    /// How many of them are of this crate: the first.
    built_in: usize,
    relations: &'static Relations,
    spacing: Spacing,
}

/// Why a view cannot be added.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// A name that two views would have.
    #[error("two views cannot both be called {0}")]
    SameName(&'static str),
    /// Other views, or the file itself, have a table of that name, or may have one.
    #[error("the view {view} cannot have a table called {table}: that name is taken")]
    SameTable {
        /// What the view that cannot be added is called.
        view: &'static str,
        /// The name, as this view writes it; the other may differ in case.
        table: String,
    },
    /// Other views have an index or a table of that name, or may have one.
    #[error("the view {view} cannot have an index called {index}: that name is taken")]
    SameIndex {
        /// What the view that cannot be added is called.
        view: &'static str,
        /// The name, as this view writes it; the other may differ in case.
        index: String,
    },
    /// The database does not understand it, and why.
    #[error("the index {index} of the view {view} cannot be made: {reason}")]
    NoIndex {
        /// What the view that cannot be added is called.
        view: &'static str,
        /// The name of the first of its indexes that cannot be made.
        index: &'static str,
        /// What the database says of the statement, in its own words.
        reason: String,
    },
    /// Rows could not be compared with those of a rebuild, in the order of their keys.
    #[error(
        "the table {table} of the view {view} has no primary key, or one that may be NULL or is not compared byte by byte"
    )]
    NoKey {
        /// What the view that cannot be added is called.
        view: &'static str,
        /// The name of the first of its tables whose rows have no such key.
        table: String,
    },
    /// The database does not understand them, and why.
    #[error("the tables of the view {view} cannot be made: {reason}")]
    NoTables {
        /// What the view that cannot be added is called.
        view: &'static str,
        /// What the database says of the statement, in its own words.
        reason: String,
    },
}

/// Tables that a file has beside those of views, and what the names of those begin with that it makes by itself.
const OF_THE_FILE: &[&str] = &["projections", "log", "dead_letters", "snapshots"];
const MADE_BY_ITSELF: &[&str] = &["past_", "over_", "sqlite_"];

/// Whether a file has something of that name, or may have. To the database, names that differ in case alone are the same.
fn is_taken(taken: &[String], name: &str) -> bool {
    let begins = |begin: &str| {
        let head = name.get(..begin.len());
        head.is_some_and(|head| head.eq_ignore_ascii_case(begin))
    };
    let is_reserved = MADE_BY_ITSELF.iter().any(|begin| begins(begin));
    is_reserved || taken.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// What a rebuild makes.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// What is asked for, by the name that the views have together; `None`: all views.
    pub(crate) unit: Option<&'static str>,
    /// The views that are to be made.
    pub(crate) wanted: Selected,
    /// The views that are applied for that.
    pub(crate) applied: Selected,
    /// Whether a whole new file is put in place, instead of tables in the file that serves.
    pub(crate) is_file: bool,
}

impl Registry {
    pub(crate) fn new(all: &[&'static Projection], relations: &'static Relations) -> Self {
        Self {
            all: all.into(),
            built_in: all.len(),
            relations,
            spacing: Spacing::default(),
        }
    }

    /// The same, with snapshots so far from one another.
    #[must_use]
    pub fn with_snapshots(self, spacing: Spacing) -> Self {
        Self { spacing, ..self }
    }

    /// With one more view, which sees every event after the views of this crate. It reads and writes its own tables alone.
    pub fn with(&self, view: &'static Projection) -> Result<Self, Unfit> {
        if self.names().contains(&view.name) {
            return Err(Unfit::SameName(view.name));
        }
        self.fits(view)?;
        Ok(Self {
            all: self.all.iter().copied().chain([view]).collect(),
            ..self.clone()
        })
    }

    /// Whether a file can have the tables of one more view.
    fn fits(&self, view: &'static Projection) -> Result<(), Unfit> {
        let name = view.name;
        let failed = |error: rusqlite::Error| Unfit::NoTables {
            view: name,
            reason: error.to_string(),
        };
        let made = scratch(view).map_err(failed)?;
        let mut taken: Vec<String> = OF_THE_FILE.iter().map(ToString::to_string).collect();
        for known in &*self.all {
            taken.extend(tables_of(known).map_err(failed)?);
            taken.extend(known.indexes.iter().map(|index| index.name.to_owned()));
        }
        for table in named(&made, "table").map_err(failed)? {
            if is_taken(&taken, &table) {
                return Err(Unfit::SameTable { view: name, table });
            }
            if !has_plain_key(&made, &table).map_err(failed)? {
                return Err(Unfit::NoKey { view: name, table });
            }
            taken.push(table);
        }
        // An index that the statements make beside the tables is one as well.
        for index in named(&made, "index").map_err(failed)? {
            if is_taken(&taken, &index) {
                return Err(Unfit::SameIndex { view: name, index });
            }
            taken.push(index);
        }
        for index in view.indexes {
            if is_taken(&taken, index.name) {
                let index = index.name.to_owned();
                return Err(Unfit::SameIndex { view: name, index });
            }
            index.create(&made).map_err(|error| Unfit::NoIndex {
                view: name,
                index: index.name,
                reason: error.to_string(),
            })?;
            taken.push(index.name.to_owned());
        }
        Ok(())
    }

    pub(crate) fn all(&self) -> &Selected {
        &self.all
    }

    /// The views that it was given.
    pub(crate) fn added(&self) -> &[&'static Projection] {
        self.all.get(self.built_in..).unwrap_or_default()
    }

    pub(crate) fn spacing(&self) -> Spacing {
        self.spacing
    }

    pub(crate) fn past(&self) -> &'static [&'static Projection] {
        self.relations.past
    }

    pub(crate) fn kept(&self) -> &'static [Kept] {
        self.relations.kept
    }

    pub(crate) fn view(&self, name: &str) -> Option<&'static Projection> {
        self.all.iter().copied().find(|view| view.name == name)
    }

    pub(crate) fn indexes(&self) -> impl Iterator<Item = &'static Index> {
        self.all.iter().flat_map(|view| view.indexes)
    }

    /// Every view and its version.
    pub fn versions(&self) -> Vec<(&'static str, u32)> {
        self.all
            .iter()
            .map(|view| (view.name, view.version))
            .collect()
    }

    /// What can be asked for by name: each view, and those that change together.
    pub fn names(&self) -> Vec<&'static str> {
        let views = self.all.iter().map(|view| view.name);
        views.chain([self.relations.bulk.name]).collect()
    }

    /// The name that a view has together with those it changes with; its own, if it changes alone.
    pub fn unit(&self, name: &str) -> Option<&'static str> {
        let bulk = &self.relations.bulk;
        if name == bulk.name || bulk.views.contains(&name) {
            return Some(bulk.name);
        }
        self.view(name).map(|view| view.name)
    }

    /// How to make the views of a name, or all, for that; `None`: there is no such name.
    pub(crate) fn plan(&self, name: Option<&str>, task: Task) -> Option<Plan> {
        let all = || Arc::clone(&self.all);
        let Some(name) = name else {
            return Some(Plan {
                unit: None,
                wanted: all(),
                applied: all(),
                is_file: true,
            });
        };
        let unit = self.unit(name)?;
        // What rows were before is told in tables of all views together, with the snapshots.
        let is_past = self.relations.past.iter().any(|view| view.name == unit);
        let is_file = is_past || unit == self.relations.bulk.name;
        Some(Plan {
            unit: Some(unit),
            wanted: self.of(&[unit]),
            // What is only looked at needs nothing more.
            applied: if is_file && task != Task::Verify {
                all()
            } else {
                self.of(&self.needed(unit))
            },
            is_file,
        })
    }

    /// What must be applied for a unit, itself among it.
    fn needed(&self, unit: &'static str) -> Vec<&'static str> {
        let mut needed = vec![unit];
        let mut seen = 0;
        while let Some(unit) = needed.get(seen).copied() {
            let more = self.relations.needs.iter().filter(|(of, _)| *of == unit);
            needed.extend(more.flat_map(|(_, needs)| *needs));
            seen += 1;
        }
        needed
    }

    fn of(&self, units: &[&str]) -> Selected {
        let is_of = |view: &&'static Projection| {
            self.unit(view.name)
                .is_some_and(|unit| units.contains(&unit))
        };
        self.all.iter().copied().filter(is_of).collect()
    }
}
