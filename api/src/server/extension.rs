//! What a program of one's own adds to the server.

use std::collections::HashSet;

use projections::{Projection, Registry, Unfit};

use crate::http::route::Route;

/// What a program adds to the server it embeds. The default adds nothing: that is `hansard`.
#[derive(Clone, Default)]
pub struct Extension {
    views: Vec<&'static Projection>,
    routes: Vec<Route>,
}

impl Extension {
    /// With one more view, which sees every event after the views of the server. Like those it is filled from the log at the
    /// first start that knows it, and rebuilt, compared and listed by name.
    #[must_use]
    pub fn with_view(mut self, view: &'static Projection) -> Self {
        self.views.push(view);
        self
    }

    /// With more routes, for which the checks are made and which are described like those of the server.
    #[must_use]
    pub fn with_routes(mut self, routes: impl IntoIterator<Item = Route>) -> Self {
        self.routes.extend(routes);
        self
    }

    /// The views of `registry` and these.
    pub(crate) fn views(&self, registry: Registry) -> Result<Registry, Unfit> {
        let mut views = self.views.iter();
        views.try_fold(registry, |registry, view| registry.with(view))
    }

    /// `known` and these routes.
    pub(crate) fn routes(&self, known: Vec<Route>) -> Result<Vec<Route>, SameRoute> {
        let routes = [known, self.routes.clone()].concat();
        let mut seen = HashSet::new();
        for Route { method, path, .. } in &routes {
            if !seen.insert((method, path)) {
                return Err(SameRoute(format!("{method} {path}")));
            }
        }
        Ok(routes)
    }
}

/// A method and path that two routes would have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("two routes cannot both be {0}")]
pub struct SameRoute(String);

#[cfg(test)]
mod tests {
    use projections::Apply;

    use super::*;
    use crate::http::answer::Answer;
    use crate::http::call::Call;
    use crate::http::route;

    static ROOMS: Projection = Projection {
        name: "rooms",
        version: 1,
        tables: "CREATE TABLE halls (id TEXT NOT NULL PRIMARY KEY);",
        indexes: &[],
        apply: Apply::Total(|_, _| Ok(())),
    };

    fn hello() -> Route {
        route::get("hello", async |_: Call| Ok(Answer::empty()))
    }

    #[test]
    fn nothing_can_be_there_twice() {
        let twice = Extension::default().with_view(&ROOMS);
        let refusal = twice.views(Registry::default()).err();
        assert_eq!(refusal, Some(Unfit::SameName("rooms")));
        let hello_once = Extension::default().with_routes([hello()]);
        assert_eq!(
            hello_once.routes(Vec::new()).map(|routes| routes.len()),
            Ok(1)
        );
        let refusal = hello_once.routes(vec![hello()]).err();
        assert_eq!(refusal, Some(SameRoute("GET /api/v1/hello".to_owned())));
    }
}
