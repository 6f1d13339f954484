//! Which views there are, and what a rebuild of some of them takes.

use std::sync::Arc;

use crate::engine::index::Index;
use crate::engine::past::{Kept, Spacing};
use crate::engine::projection::{Projection, Selected};

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
    relations: &'static Relations,
    spacing: Spacing,
}

/// A name that two views would have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("two views cannot both be called {0}")]
pub struct SameName(pub &'static str);

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
    pub fn with(&self, view: &'static Projection) -> Result<Self, SameName> {
        if self.names().contains(&view.name) {
            return Err(SameName(view.name));
        }
        Ok(Self {
            all: self.all.iter().copied().chain([view]).collect(),
            ..self.clone()
        })
    }

    pub(crate) fn all(&self) -> &Selected {
        &self.all
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

    /// How to make the views of a name, or all; `None`: there is no such name.
    pub(crate) fn plan(&self, name: Option<&str>) -> Option<Plan> {
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
            applied: if is_file {
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
