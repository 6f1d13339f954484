//! Users: reading, making and changing their accounts (contract, conventions 7.1 to 7.3).

pub mod create;
pub mod info;
pub mod lists;
pub mod update;

use domain::permission::Permission;
use domain::{RoleId, UserId};

use crate::documents;
use crate::errors::ApiError;
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::page::FieldChoice;
use crate::http::route::Route;
use crate::http::schema::Kind;

/// What routes about one user answer.
const USER: &[(&str, Kind)] = &[("user", Kind::Object)];

pub(super) fn routes() -> Vec<Route> {
    [
        create::routes(),
        info::routes(),
        lists::routes(),
        update::routes(),
    ]
    .concat()
}

fn role_ids(names: Vec<String>) -> Vec<RoleId> {
    names.into_iter().map(RoleId::new).collect()
}

/// The account as it is now. The fields wanted are in the query string, whatever the body says.
async fn raw_user(call: &Call, id: &UserId, choice: Option<&FieldChoice>) -> Outcome {
    let user = call.state.views().user(id).await?;
    let user = user.ok_or(ApiError::Unavailable)?;
    let privileged = call.may(Permission::VIEW_FULL_OTHER_USER_INFO);
    let mut doc = documents::users::raw(&call.state, &user, privileged);
    if let Some(choice) = choice {
        choice.apply(&mut doc);
    }
    Ok(Answer::empty().field("user", &doc))
}
