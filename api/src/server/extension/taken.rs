//! Which paths are answered already, so that a route more neither collides with another nor hides one.

use axum::http::Method;

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

/// A part of a path, between slashes.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    /// Any text but none. What it is called makes no difference to a router.
    Any,
    /// Everything that is left, but not nothing.
    Rest,
}

impl Part {
    fn of(text: &str) -> Option<Self> {
        let inner = text
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'));
        match inner.map(|name| (name, name.strip_prefix('*'))) {
            Some((name, None)) if is_name(name) => Some(Self::Any),
            Some((_, Some(name))) if is_name(name) => Some(Self::Rest),
            None if !text.contains(['{', '}']) && !text.starts_with([':', '*']) => {
                Some(Self::Text(text.to_owned()))
            }
            _ => None,
        }
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(['{', '}', '*'])
}

/// A path, as a router reads it.
#[derive(Clone, Debug)]
struct Pattern {
    path: String,
    parts: Vec<Part>,
}

impl Pattern {
    /// `None`: it cannot be understood.
    fn of(path: &str) -> Option<Self> {
        let parts = path.strip_prefix('/')?.split('/').map(Part::of);
        let parts: Vec<Part> = parts.collect::<Option<_>>()?;
        let rest = parts.iter().position(|part| *part == Part::Rest);
        rest.is_none_or(|at| at + 1 == parts.len()).then(|| Self {
            path: path.to_owned(),
            parts,
        })
    }

    /// Whether there are paths that both stand for. What stands for everything that is left means what others leave.
    fn overlaps(&self, other: &Self) -> bool {
        let meet = |(one, other): (&Part, &Part)| match (one, other) {
            (Part::Text(one), Part::Text(other)) => one == other,
            (Part::Text(text), Part::Any) | (Part::Any, Part::Text(text)) => !text.is_empty(),
            (Part::Any, Part::Any) => true,
            (Part::Rest, _) | (_, Part::Rest) => false,
        };
        self.parts.len() == other.parts.len() && self.parts.iter().zip(&other.parts).all(meet)
    }

    /// Whether a router refuses to have both: they differ in names alone, or one has for a part of the path what the other
    /// has for everything that is left.
    fn is_at_odds(&self, other: &Self) -> bool {
        for pair in self.parts.iter().zip(&other.parts) {
            match pair {
                (Part::Any, Part::Any) => {}
                (Part::Text(one), Part::Text(other)) if one == other => {}
                (Part::Text(_), _) | (_, Part::Text(_)) => return false,
                (Part::Rest, _) | (_, Part::Rest) => return true,
            }
        }
        self.parts.len() == other.parts.len()
    }
}

/// What is answered at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    /// A route of the server, or of what was added to it.
    Route,
    Added,
    /// Something that answers by whatever method.
    Whole,
    /// What answers where there is nothing else.
    LastResort,
}

/// The paths that are answered.
#[derive(Default)]
pub(super) struct Taken(Vec<(Pattern, Option<Method>, What)>);

impl Taken {
    fn push(&mut self, path: &str, method: Option<&Method>, what: What) {
        // What the server has itself is understood.
        if let Some(pattern) = Pattern::of(path) {
            self.0.push((pattern, method.cloned(), what));
        }
    }

    pub(super) fn last_resort(&mut self, path: &str) {
        self.push(path, None, What::LastResort);
    }

    pub(super) fn whole(&mut self, path: &str) {
        self.push(path, None, What::Whole);
    }

    pub(super) fn route(&mut self, method: &Method, path: &str) {
        self.push(path, Some(method), What::Route);
    }

    /// Adds a route, if it fits beside what is there.
    pub(super) fn add(&mut self, method: &Method, path: &str) -> Result<(), UnfitRoute> {
        let shown = format!("{method} {path}");
        let pattern = Pattern::of(path).ok_or_else(|| UnfitRoute::Malformed(shown.clone()))?;
        for (known, of, what) in &self.0 {
            let is_route = matches!(what, What::Route | What::Added);
            if is_route && known.path == path {
                if of.as_ref() == Some(method) {
                    return Err(UnfitRoute::Same(shown));
                }
                continue;
            }
            let collides = match what {
                What::Route | What::Whole => pattern.overlaps(known) || pattern.is_at_odds(known),
                // Of two of one's own, one may be meant for a part of the other.
                What::Added | What::LastResort => pattern.is_at_odds(known),
            };
            if collides {
                return Err(UnfitRoute::Collides {
                    route: shown,
                    with: known.path.clone(),
                });
            }
        }
        self.0.push((pattern, Some(method.clone()), What::Added));
        Ok(())
    }
}
