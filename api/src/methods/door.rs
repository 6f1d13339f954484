//! `POST method.call/<name>` and `method.callAnon/<name>` (contract, admin-and-settings 6).
//!
//! The name inside the message decides; the one in the path is ignored. The answer is always a 200 with the result or
//! the error inside, as servers up to 7 send it, though newer ones answer errors with a 4xx around the same message:
//! clients of any age read the message of a 200, and to older ones a 4xx is the failure of the request itself, a 401 the
//! end of the login.

use application::caller::Caller;
use application::identity::second_factors::gate::FactorAnswer;
use axum::http::{HeaderMap, Method};
use serde_json::{Map, Value, json};

use crate::errors::{ApiError, wording};
use crate::http::answer::{Answer, Outcome};
use crate::http::call::{self, Anyone, Call, Input};
use crate::http::parameters::{Document, Parameters};
use crate::http::route::{self, Rate, Route};
use crate::http::schema::Kind;
use crate::http::{json, second_factors};
use crate::methods::args::Args;
use crate::methods::{self, AnyMethodCall, ejson};
use crate::state::AppState;

pub fn routes() -> Vec<Route> {
    // Names of methods contain slashes, and not every client escapes them.
    let paths = ["{method}", "{method}/{rest}"];
    let of = |path: &str| {
        [
            route::post(format!("method.call/{path}"), call),
            route::public(
                Method::POST,
                &format!("method.callAnon/{path}"),
                call_anonymously,
            ),
        ]
    };
    let routes = paths.into_iter().flat_map(of).map(|route| {
        // Methods have limits of their own.
        route
            .about("Calls the method that stands in the message.")
            .rate(Rate::Unlimited)
            .answers(&[("message", Kind::Text)])
    });
    routes.collect()
}

#[derive(Parameters)]
struct Message {
    message: Document,
}

async fn call(call: Call, wish: Message) -> Outcome {
    run(&call.state, Some(call.caller), &call.input, wish).await
}

/// `POST /api/v1/method.callAnon/<name>`: without a login, whatever the headers say.
async fn call_anonymously(call: Anyone, wish: Message) -> Outcome {
    run(&call.state, None, &call.input, wish).await
}

/// Runs the method of that name, without parameters, for the caller of another route.
pub async fn act(call: Call, name: &str) -> Outcome {
    if !methods::exists(name) {
        return Err(ApiError::Bare);
    }
    let Call {
        state,
        caller,
        input,
    } = call;
    let method = AnyMethodCall {
        state,
        caller: Some(caller),
        client: input.client.clone(),
        factor: second_factors::in_headers(&input.headers),
        args: Args::default(),
    };
    methods::call(name, method).await?;
    Ok(Answer::empty())
}

/// The content of the message.
struct Wish {
    id: Option<String>,
    method: String,
    params: Vec<Value>,
}

async fn run(
    state: &AppState,
    caller: Option<Caller>,
    input: &Input,
    Message {
        message: Document(message),
    }: Message,
) -> Outcome {
    let wish = if message.len() <= call::LARGE {
        read(&message)
    } else {
        let apart = tokio::task::spawn_blocking(move || read(&message));
        apart.await.map_err(|_| ApiError::Internal)?
    };
    let wish = wish.ok_or_else(wording::invalid_method_call)?;
    let excess = methods::excess(&wish.method, &wish.params);
    if let Some(fault) = excess {
        let refusal = Err(wording::match_error(&fault));
        return Ok(Answer::empty().field("message", &envelope(wish.id, refusal).to_string()));
    }
    let args = Args::from(wish.params);
    let factor = factor(&input.headers, &args);
    let outcome = methods::call(
        &wish.method,
        AnyMethodCall {
            state: state.clone(),
            caller,
            client: input.client.clone(),
            factor,
            args,
        },
    )
    .await;
    Ok(Answer::empty().field("message", &envelope(wish.id, outcome).to_string()))
}

/// Reads the message. Only the name and the parameters are required, because the mobile app sends nothing else.
fn read(message: &str) -> Option<Wish> {
    let Ok(Value::Object(mut wish)) = json::parse(message.as_bytes()) else {
        return None;
    };
    if wish.get("msg").is_some_and(|kind| kind != "method") {
        return None;
    }
    let Some(Value::String(method)) = wish.remove("method") else {
        return None;
    };
    let Some(Value::Array(params)) = wish.remove("params") else {
        return None;
    };
    let id = match wish.remove("id") {
        None => None,
        Some(Value::Null) => Some(String::new()),
        Some(Value::String(id)) => Some(id),
        Some(id @ (Value::Number(_) | Value::Bool(_))) => Some(id.to_string()),
        Some(_) => return None,
    };
    Some(Wish { id, method, params })
}

/// A code in the headers, or else in the last parameter.
fn factor(headers: &HeaderMap, args: &Args) -> FactorAnswer {
    let in_headers = second_factors::in_headers(headers);
    if in_headers.code.is_some() {
        in_headers
    } else {
        args.factor()
    }
}

fn envelope(id: Option<String>, outcome: Result<Value, ApiError>) -> Value {
    let mut message = Map::new();
    message.insert("msg".to_owned(), json!("result"));
    message.extend(id.map(|id| ("id".to_owned(), json!(id))));
    match outcome {
        Ok(Value::Null) => {}
        Ok(result) => {
            message.insert("result".to_owned(), result);
        }
        Err(error) => {
            message.insert("error".to_owned(), ejson::with_dates(error.of_method()));
        }
    }
    Value::Object(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_needs_a_name_and_parameters() {
        for (message, id) in [
            (
                r#"{"msg":"method","id":"7","method":"m","params":[]}"#,
                Some("7"),
            ),
            (
                r#"{"msg":"method","id":7,"method":"m","params":[]}"#,
                Some("7"),
            ),
            (
                r#"{"msg":"method","id":null,"method":"m","params":[]}"#,
                Some(""),
            ),
            (r#"{"method":"m","params":[]}"#, None),
        ] {
            assert_eq!(
                read(message).map(|wish| wish.id),
                Some(id.map(str::to_owned))
            );
        }
        for message in [
            "",
            "[]",
            r#"{"method":"m"}"#,
            r#"{"params":[]}"#,
            r#"{"method":"m","params":{}}"#,
            r#"{"method":5,"params":[]}"#,
            r#"{"msg":"sub","method":"m","params":[]}"#,
            r#"{"method":"m","params":[],"id":{}}"#,
        ] {
            assert!(read(message).is_none(), "{message}");
        }
    }

    #[test]
    fn nothing_has_no_result() {
        let id = || Some("1".to_owned());
        assert_eq!(
            envelope(id(), Ok(Value::Null)),
            json!({"msg": "result", "id": "1"})
        );
        assert_eq!(
            envelope(id(), Ok(json!([]))),
            json!({"msg": "result", "id": "1", "result": []})
        );
    }
}
