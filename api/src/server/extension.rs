//! What a program of one's own adds to the server.

mod taken;

use projections::{Projection, Registry, Unfit};
pub use taken::UnfitRoute;

use self::taken::Taken;
use crate::http::route::Route;
use crate::http::router::UNKNOWN;

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

    /// `known` and these routes. `others`: the paths that are answered beside the table.
    pub(crate) fn routes(
        &self,
        mut known: Vec<Route>,
        others: impl IntoIterator<Item = &'static str>,
    ) -> Result<Vec<Route>, UnfitRoute> {
        let mut taken = Taken::default();
        for path in UNKNOWN {
            taken.last_resort(path);
        }
        for path in others {
            taken.whole(path);
        }
        for route in &known {
            taken.route(&route.method, &route.path);
        }
        for route in &self.routes {
            taken.add(&route.method, &route.path)?;
        }
        known.extend(self.routes.iter().cloned());
        Ok(known)
    }
}

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
            hello_once.routes(Vec::new(), []).map(|routes| routes.len()),
            Ok(1)
        );
        let refusal = hello_once.routes(vec![hello()], []).err();
        assert_eq!(
            refusal,
            Some(UnfitRoute::Same("GET /api/v1/hello".to_owned()))
        );
    }

    #[test]
    fn no_door_of_the_server_is_hidden_and_none_is_in_the_way() {
        for path in [
            "/live",
            "/audit/live",
            "/livez",
            "/readyz",
            "/metrics",
            "/api",
            "/api/{*whatever}",
            "/{page}",
            "/audit/{page}",
            "/avatar/ann",
            "/api/v1/users.inf{o}",
            "/audit/:page",
            "/audit/*page",
            "/page/{}",
        ] {
            let hello = route::get(path, async |_: Call| Ok(Answer::empty()));
            let extension = Extension::default().with_routes([hello]);
            let refused = crate::server::routes::all(&extension).err();
            let told = refused.map(|refused| refused.to_string());
            assert!(
                told.as_ref().is_some_and(|told| told.contains(path)),
                "{path}: {told:?}"
            );
        }
    }

    #[test]
    fn routes_that_differ_in_a_name_alone_are_refused() {
        let of = |path: &str| route::get(path, async |_: Call| Ok(Answer::empty()));
        let all = |paths: [&str; 2]| {
            let extension = Extension::default().with_routes(paths.map(of));
            crate::server::routes::all(&extension).map(drop)
        };
        let routed = |paths: [&'static str; 2]| {
            let route = |router: axum::Router<()>, path| {
                router.route(path, axum::routing::get(async || ()))
            };
            paths.into_iter().fold(axum::Router::new(), route)
        };
        for collide in [
            ["/halls/{x}", "/halls/{y}"],
            ["/halls/{*rest}", "/halls/{x}/doors"],
            ["/halls/{x}", "/halls/{*rest}"],
        ] {
            let told = all(collide).err().map(|refused| refused.to_string());
            let told = told.unwrap_or_default();
            assert!(collide.iter().all(|path| told.contains(path)), "{told}");
            let taken = std::panic::catch_unwind(|| routed(collide));
            assert!(taken.is_err(), "the router would not take {collide:?}");
        }
        for fit in [
            ["/halls/{x}", "/halls/new"],
            ["/halls/{x}", "/halls/{x}/doors"],
            ["/halls/{x}/doors", "/halls/{y}/windows"],
            ["/halls", "/{*rest}"],
            ["/halls/new", "/halls/{*rest}"],
            ["/halls", "/halls/"],
        ] {
            assert_eq!(all(fit), Ok(()), "{fit:?}");
            // The router takes them as well.
            drop(routed(fit));
        }
    }
}
