//! LDAP: what clients ask for. No directory can be connected (contract, admin 13).

use domain::permission::Permission;
use domain::settings::keys;

use crate::errors::wording;
use crate::http::answer::Outcome;
use crate::http::call::Call;
use crate::http::parameters::{Loose, Parameters};
use crate::http::route::{self, Route};

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::post("ldap.testConnection", ldap)
            .about("Tries to reach the LDAP server.")
            .needs_or(LDAP, wording::plainly_not_authorized),
        route::post("ldap.testSearch", |call, _: TestSearch| ldap(call))
            .about("Looks somebody up on the LDAP server.")
            .needs_or(LDAP, wording::plainly_not_authorized),
        route::post("ldap.syncNow", ldap)
            .about("Takes accounts over from the LDAP server.")
            .needs_or(LDAP, wording::plainly_not_authorized),
    ]
}

const LDAP: &[Permission] = &[Permission::TEST_ADMIN_OPTIONS];

#[derive(Parameters)]
#[params(open)]
struct TestSearch {
    _username: Loose<String>,
}

async fn ldap(call: Call) -> Outcome {
    if call.state.views().settings().bool(keys::LDAP_ENABLE) {
        Err(wording::ldap_connection_failed())
    } else {
        Err(wording::ldap_disabled())
    }
}
