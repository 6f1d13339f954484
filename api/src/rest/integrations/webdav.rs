//! Accounts on WebDAV servers (contract, admin 13.1).

use domain::webdav::Login;
use projections::WebdavRecord;
use serde_json::{Value, json};

use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::route::{self, Route};
use crate::http::schema::Kind;

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::get("webdav.getMyAccounts", accounts)
            .about("The accounts of the caller on WebDAV servers.")
            .answers(&[("accounts", Kind::List)]),
    ]
}

async fn accounts(call: Call) -> Outcome {
    let records = call.state.views().webdav_accounts(call.caller.id()).await?;
    let accounts: Vec<Value> = records.iter().map(account).collect();
    Ok(Answer::empty().field("accounts", &accounts))
}

/// An account as clients see it: without secrets.
fn account(record: &WebdavRecord) -> Value {
    let mut account = json!({ "_id": record.id, "serverURL": record.server_url });
    if let Login::Password { username, .. } = &record.login {
        account["username"] = json!(username);
    }
    if let Some(name) = &record.name {
        account["name"] = json!(name);
    }
    account
}
