//! The one table of all REST routes.

use std::future::{Ready, ready};

use crate::audit::live as audit_live;
use crate::audit::{
    at, diff, events, explain, exports, messages, projections, reach, subscriptions,
};
use crate::http::answer::Outcome;
use crate::http::call::Anyone;
use crate::http::openapi;
use crate::http::route::Route;
use crate::live;
use crate::methods::door;
use crate::rest;
use crate::server::extension::{Extension, UnfitRoute};
use crate::server::health;

/// The paths that are answered beside the table, by whatever method.
fn others() -> impl Iterator<Item = &'static str> {
    let sockets = [live::PATH, audit_live::PATH];
    sockets.into_iter().chain(health::PATHS)
}

/// The routes of this server and those of `extension`.
pub fn all(extension: &Extension) -> Result<Vec<Route>, UnfitRoute> {
    let described = extension.clone();
    let document = move |call: Anyone| -> Ready<Outcome> {
        let routes = || all(&described).unwrap_or_default();
        ready(Ok(openapi::document(routes, &call)))
    };
    let known = [
        rest::routes(),
        at::routes(),
        diff::routes(),
        events::routes(),
        messages::routes(),
        projections::routes(),
        reach::routes(),
        explain::routes(),
        exports::routes(),
        subscriptions::routes(),
        door::routes(),
        openapi::routes(document),
    ];
    extension.routes(known.concat(), others())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::http::route::Access;

    fn known() -> Vec<Route> {
        all(&Extension::default()).expect("no route is listed twice")
    }

    #[test]
    fn only_these_routes_are_public() {
        let mut public: Vec<String> = known()
            .iter()
            .filter(|route| matches!(route.access, Access::Public(_)))
            .map(|route| format!("{} {}", route.method, route.path))
            .collect();
        public.sort();
        let known = [
            "GET /_timesync",
            "GET /api-docs",
            "GET /api-docs/",
            "GET /api-docs/{file}",
            "GET /api/info",
            // They read what anyone may read once a setting says so, and say so themselves if it does not.
            "GET /api/v1/channels.anonymousread",
            "GET /api/v1/groups.anonymousread",
            "GET /api/v1/info",
            "GET /api/v1/openapi.json",
            "GET /api/v1/pw.getPolicy",
            "GET /api/v1/pw.getPolicyReset",
            "GET /api/v1/service.configurations",
            "GET /api/v1/settings.oauth",
            "GET /api/v1/settings.public",
            "GET /api/v1/shield.svg",
            "GET /api/v1/users.getAvatar",
            "GET /assets/{file}",
            "GET /avatar/room/{room}",
            "GET /avatar/{name}",
            "GET /custom-sounds/{file}",
            "GET /data-export/{id}",
            "GET /emoji-custom/",
            "GET /emoji-custom/{file}",
            "GET /i18n/{file}",
            "GET /oauth/authorize",
            "GET /oauth/userinfo",
            "GET /reset-password/{token}",
            "GET /robots.txt",
            "GET /verify-email/{token}",
            "POST /api/ecdh_proxy/initEncryptedSession",
            "POST /api/v1/login",
            "POST /api/v1/method.callAnon/{method}",
            "POST /api/v1/method.callAnon/{method}/{rest}",
            "POST /api/v1/users.2fa.sendEmailCode",
            "POST /api/v1/users.forgotPassword",
            "POST /api/v1/users.register",
            "POST /api/v1/users.verifyEmail",
            // Whoever has a link and no account yet asks whether it is good.
            "POST /api/v1/validateInviteToken",
            "POST /oauth/authorize",
            "POST /oauth/token",
            "POST /reset-password/{token}",
        ];
        assert_eq!(public, known, "a new public route needs a reason");
    }

    #[test]
    fn every_route_is_described() {
        let routes = known();
        let document = serde_json::to_value(openapi::describe(&routes)).expect("a document");
        for route in &routes {
            let method = route.method.as_str().to_lowercase();
            let operation = &document["paths"][&route.path][&method];
            assert!(operation.is_object(), "{method} {}", route.path);
            let about = operation["summary"].as_str().unwrap_or_default();
            assert!(
                about.ends_with('.'),
                "{method} {} says nothing about itself",
                route.path
            );
        }
    }

    #[test]
    fn an_operation_says_what_it_takes_and_who_may_call_it() {
        let document = serde_json::to_value(openapi::describe(&known())).expect("a document");
        let operation = &document["paths"]["/api/v1/users.setActiveStatus"]["post"];
        let body = &operation["requestBody"]["content"]["application/json"]["schema"];
        assert_eq!(body["properties"]["activeStatus"]["type"], "boolean");
        assert_eq!(body["additionalProperties"], json!(false));
        assert_eq!(
            operation["security"],
            json!([{ "userId": [], "authToken": [] }])
        );
        assert!(
            operation["description"]
                .as_str()
                .is_some_and(|text| text.contains("`edit-other-user-active-status`"))
        );
    }
}
