//! Which paths are answered already, so that a route more neither collides with another nor hides one.

use axum::http::Method;
use matchit::{InsertError, Router};

/// Why a route cannot be added. Each is one line for whoever wrote it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnfitRoute {
    /// A method and path that two routes would have.
    #[error("two routes cannot both be {0}")]
    Same(String),
    /// There are paths that both stand for.
    #[error("the route {route} collides with {with}: a path would be answered by either")]
    Collides {
        /// Its method and path.
        route: String,
        /// The path that was there before.
        with: String,
    },
    /// What stands for a part of a path is written in another way.
    #[error(
        "the route {0} cannot be understood: a part of a path is text, {{name}}, or at the end {{*name}}"
    )]
    Malformed(String),
}

/// The paths that are answered.
#[derive(Default)]
pub(super) struct Taken {
    /// All of them: what can be told apart here can be by the router that answers.
    all: Router<()>,
    /// Those of the server that must be reached, whatever is added.
    reached: Vec<String>,
    /// What answers at each of them stands for itself here.
    by_path: Router<String>,
    /// Routes, which share a path if their methods differ.
    routes: Vec<(Method, String)>,
}

impl Taken {
    /// What answers where there is nothing else.
    pub(super) fn last_resort(&mut self, path: &str) {
        // What the server has itself can be told apart.
        let _ = self.all.insert(path, ());
    }

    /// What answers by whatever method.
    pub(super) fn whole(&mut self, path: &str) {
        self.last_resort(path);
        if self.by_path.insert(path, path.to_owned()).is_ok() {
            self.reached.push(path.to_owned());
        }
    }

    /// A route of the server.
    pub(super) fn route(&mut self, method: &Method, path: &str) {
        self.whole(path);
        self.routes.push((method.clone(), path.to_owned()));
    }

    /// Adds a route, if it fits beside what is there.
    pub(super) fn add(&mut self, method: &Method, path: &str) -> Result<(), UnfitRoute> {
        let route = format!("{method} {path}");
        let mut others = self.routes.iter().filter(|(_, other)| other == path);
        if others.any(|(other, _)| other == method) {
            return Err(UnfitRoute::Same(route));
        }
        let malformed = || UnfitRoute::Malformed(route.clone());
        // The router takes these for mistakes.
        if path.split('/').any(|part| part.starts_with([':', '*'])) {
            return Err(malformed());
        }
        let is_there = self.routes.iter().any(|(_, other)| other == path);
        let met = if is_there {
            None
        } else {
            self.take(path).map_err(|_| malformed())?
        };
        if let Some(with) = met {
            return Err(UnfitRoute::Collides { route, with });
        }
        self.routes.push((method.clone(), path.to_owned()));
        Ok(())
    }

    /// Takes a path. Returns the one that it collides with, if any.
    fn take(&mut self, path: &str) -> Result<Option<String>, InsertError> {
        match self.all.insert(path, ()) {
            Ok(()) => Ok(self.meets(path)),
            Err(InsertError::Conflict { with }) => Ok(Some(with)),
            Err(malformed) => Err(malformed),
        }
    }

    /// The path of the server, if any, that stands for what this one does, or the other way round. Of paths that both leave
    /// parts open, one that both stand for may remain: the router takes the one that is text for longer. What stands for
    /// everything that is left means what others leave.
    fn meets(&self, path: &str) -> Option<String> {
        if path.contains("{*") {
            return None;
        }
        if let Ok(known) = self.by_path.at(&example(path)) {
            return Some(known.value.clone());
        }
        let mut this = Router::new();
        this.insert(path, ()).ok()?;
        let mut reached = self.reached.iter();
        reached
            .find(|known| this.at(&example(known)).is_ok())
            .cloned()
    }
}

/// A path that a pattern stands for.
fn example(pattern: &str) -> String {
    let parts = pattern.split('/').map(|part| match part.split_once('{') {
        Some((begin, _)) => format!("{begin}-"),
        None => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join("/")
}
