//! Methods about finding people and rooms, and the policy for passwords.

use application::identity::mail_links::{self, Use};
use domain::RoomId;
use serde_json::{Value, json};

use crate::errors::wording;
use crate::methods::{AnyMethodCall, Method, MethodCall, MethodOutcome, method, open_method};
use crate::rest;
use crate::rest::people::search::{self, Wish};

pub(super) fn methods() -> Vec<Method> {
    vec![
        method("spotlight", spotlight),
        open_method("getPasswordPolicy", password_policy),
    ]
}

/// `spotlight(text, user names to leave out, {users, rooms}, room)`.
async fn spotlight(call: MethodCall) -> MethodOutcome {
    let wanted = |what: &str| call.args.get(2)[what].as_bool().unwrap_or(true);
    let except = call.args.get(1).as_array().into_iter().flatten();
    let wish = Wish {
        text: call.args.text(0)?,
        except: except
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        users: wanted("users"),
        rooms: wanted("rooms"),
        room: call.args.optional_text(3)?.map(RoomId::new),
    };
    let (users, rooms) = search::propose(&call.state, &call.caller, wish).await?;
    Ok(json!({ "users": users, "rooms": rooms }))
}

/// `getPasswordPolicy({token})`: for users who are logged in, and those who follow a link to choose a new password.
async fn password_policy(call: AnyMethodCall) -> MethodOutcome {
    const METHOD: &str = "getPasswordPolicy";
    if call.caller.is_none() {
        let token = call.args.get(0)["token"].as_str();
        let token = token.ok_or_else(|| wording::invalid_user_of(METHOD))?;
        let follow = mail_links::can_follow(&call.state, token, Use::Reset).await;
        follow.map_err(|_| wording::invalid_user_of(METHOD))?;
    }
    Ok(rest::identity::password_policy::policy(&call.state))
}
