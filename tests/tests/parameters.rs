//! What the description of the API says of parameters is true: of every operation, each one is sent, as it is
//! described and with a wrong type, and one that is not described.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

use reqwest::Method;
use serde_json::{Map, Value, json};
use tests::client::Client;
use tests::server::{ADMIN_PASSWORD, Server};
use tests::sha256;

/// Operations that reach out into the network where everything is as described.
const REACH_OUT: [&str; 2] = ["/api/v1/dns.resolve.srv", "/api/v1/dns.resolve.txt"];

/// Parameters of which the description does not say all that is wanted: one that is understood, as JSON.
const UNDERSTOOD: [(&str, &str, &str); 4] = [
    ("/api/v1/users.listByStatus", "type", r#""user""#),
    ("/api/v1/banners.publish", "platform", r#"["web"]"#),
    (
        "/api/v1/settings",
        "settings",
        r#"[{ "_id": "Site_Name", "value": "x" }]"#,
    ),
    (
        "/api/v1/subscriptions.unread",
        "firstUnreadMessage",
        r#"{ "_id": "x" }"#,
    ),
];

const UNDESCRIBED: &str = "nobodyDescribedThis";

/// One operation of the description.
struct Operation {
    method: Method,
    path: String,
    params: Vec<Param>,
    refuses_others: bool,
}

#[derive(Clone)]
struct Param {
    name: String,
    schema: Value,
    required: bool,
    /// One of those of which exactly one must be there.
    alternative: bool,
}

impl Operation {
    fn read(path: &str, method: &str, operation: &Value) -> Option<Self> {
        let about = operation["description"].as_str().unwrap_or_default();
        let refuses_others = about.contains("Other parameters are refused.");
        if !refuses_others && !about.contains("Other parameters are ignored.") {
            return None;
        }
        let choice = about.split_once("Takes exactly one of ");
        let choice = choice
            .and_then(|(_, rest)| rest.split_once('.'))
            .unwrap_or_default()
            .0;
        let alternative = |name: &str| choice.contains(&format!("`{name}`"));
        let queried = operation["parameters"].as_array().into_iter().flatten();
        let queried = queried.filter(|one| one["in"] == "query").map(|one| Param {
            name: one["name"].as_str().unwrap().to_owned(),
            schema: one["schema"].clone(),
            required: one["required"] == true,
            alternative: alternative(one["name"].as_str().unwrap()),
        });
        let body = &operation["requestBody"]["content"]["application/json"]["schema"];
        let in_body = body["properties"].as_object().into_iter().flatten();
        let in_body = in_body.map(|(name, schema)| Param {
            name: name.clone(),
            schema: schema.clone(),
            required: body["required"]
                .as_array()
                .is_some_and(|all| all.contains(&json!(name))),
            alternative: alternative(name),
        });
        Some(Self {
            method: method.to_uppercase().parse().unwrap(),
            path: path.to_owned(),
            params: queried.chain(in_body).collect(),
            refuses_others,
        })
    }

    /// What must be there beside `tested`, as it is described.
    fn needed(&self, tested: Option<&Param>) -> Map<String, Value> {
        let alternative = match tested {
            Some(tested) if tested.alternative => None,
            _ => self.params.iter().find(|param| param.alternative),
        };
        let required = self.params.iter().filter(|param| param.required);
        required
            .chain(alternative)
            .map(|param| (param.name.clone(), self.fitting(param)))
            .collect()
    }

    fn fitting(&self, param: &Param) -> Value {
        let understood = UNDERSTOOD
            .iter()
            .find(|(path, name, _)| *path == self.path && *name == param.name);
        match understood {
            Some((_, _, json)) => serde_json::from_str(json).unwrap(),
            None => fitting(&param.schema),
        }
    }

    /// The error of the answer; empty for a success.
    async fn send(
        &self,
        server: &Server,
        client: &mut Client,
        params: &Map<String, Value>,
    ) -> String {
        let path = self
            .path
            .split('/')
            .map(|part| if part.starts_with('{') { "x" } else { part })
            .collect::<Vec<_>>()
            .join("/");
        let (path, body) = if [Method::POST, Method::PUT].contains(&self.method) {
            let body = Value::Object(params.clone()).to_string();
            (path, Some(("application/json", body)))
        } else {
            (format!("{path}?{}", query(params)), None)
        };
        let mut answer = client.send(self.method.clone(), &path, body.clone()).await;
        if answer.status == 401 && client.get("me").await.status == 401 {
            // The operation before was the end of the login.
            *client = logged_in(server).await;
            answer = client.send(self.method.clone(), &path, body).await;
        }
        let status = answer.status.as_u16();
        assert!(
            status < 500 && status != 429,
            "{} {status} {}",
            self.path,
            answer.body
        );
        answer.body["error"].as_str().unwrap_or_default().to_owned()
    }
}

/// A value as a schema describes it.
fn fitting(schema: &Value) -> Value {
    if let Some(values) = schema["enum"].as_array() {
        return values[0].clone();
    }
    if schema["format"] == "date-time" {
        return json!("2026-01-01T00:00:00.000Z");
    }
    match schema["type"].as_str() {
        Some("string") => json!(
            "x".repeat(
                schema["minLength"]
                    .as_u64()
                    .map_or(1, |least| usize::try_from(least).unwrap())
            )
        ),
        Some("number") => json!(1),
        Some("boolean") => json!(true),
        Some("array") => json!(["x"]),
        Some("object") => {
            let needed = schema["required"].as_array().into_iter().flatten();
            let fields = needed.map(|name| {
                let name = name.as_str().unwrap();
                (name.to_owned(), fitting(&schema["properties"][name]))
            });
            Value::Object(fields.collect())
        }
        _ => json!("x"),
    }
}

/// A value that nothing converts to what the schema describes; `None`: it describes anything.
fn unfitting(schema: &Value) -> Option<Value> {
    match schema["type"].as_str()? {
        "string" | "array" => Some(json!({ "x": "x" })),
        "number" | "boolean" | "object" => Some(json!("neither")),
        _ => None,
    }
}

/// The parameters in a query string, with brackets for what is inside of others.
fn query(params: &Map<String, Value>) -> String {
    let pairs = params.iter().flat_map(|(name, value)| match value {
        Value::Array(items) => items
            .iter()
            .map(|item| format!("{name}[]={}", text(item)))
            .collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(field, value)| format!("{name}[{field}]={}", text(value)))
            .collect(),
        value => vec![format!("{name}={}", text(value))],
    });
    pairs.collect::<Vec<_>>().join("&")
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// Whether the error says that parameters are not what they should be.
fn is_about_types(error: &str) -> bool {
    // Some name a parameter that is needed in words of their own.
    error.ends_with("invalid-params]")
        && !error.ends_with("param is missing. [error-invalid-params]")
        || ["Match error: Expected", "Match error: invalid type"]
            .iter()
            .any(|start| error.starts_with(start))
}

fn is_about_others(error: &str) -> bool {
    error.contains("must NOT have additional properties")
        || error.starts_with("Match error: Unknown key")
}

/// The administrator, who proves it is them with every request.
async fn logged_in(server: &Server) -> Client {
    server
        .admin()
        .await
        .with_header("x-2fa-code", &sha256(ADMIN_PASSWORD))
        .with_header("x-2fa-method", "password")
}

async fn operations(client: &Client) -> Vec<Operation> {
    let document = client.get("openapi.json").await.body;
    let paths = document["paths"].as_object().expect("paths");
    let operations = paths.iter().flat_map(|(path, methods)| {
        let methods = methods.as_object().into_iter().flatten();
        methods.filter_map(|(method, operation)| Operation::read(path, method, operation))
    });
    operations.collect()
}

#[tokio::test]
async fn parameters_are_what_the_description_says() {
    let server = Server::start().await;
    let mut client = logged_in(&server).await;
    let operations = operations(&client).await;
    assert!(operations.len() > 200, "{} are described", operations.len());
    let mut faults = Vec::new();
    for operation in &operations {
        let name = format!("{} {}", operation.method, operation.path);
        for param in &operation.params {
            let mut params = operation.needed(Some(param));
            if !REACH_OUT.contains(&operation.path.as_str()) {
                params.insert(param.name.clone(), operation.fitting(param));
                let error = operation.send(&server, &mut client, &params).await;
                if is_about_types(&error) {
                    faults.push(format!("{name}: {} as described: {error}", param.name));
                }
            }
            if let Some(value) = unfitting(&param.schema) {
                params.insert(param.name.clone(), value);
                let error = operation.send(&server, &mut client, &params).await;
                if !is_about_types(&error) {
                    faults.push(format!("{name}: {} of another type: {error:?}", param.name));
                }
            }
        }
        if REACH_OUT.contains(&operation.path.as_str()) {
            continue;
        }
        let mut params = operation.needed(None);
        params.insert(UNDESCRIBED.to_owned(), json!("x"));
        let error = operation.send(&server, &mut client, &params).await;
        if is_about_others(&error) != operation.refuses_others {
            faults.push(format!(
                "{name}: a parameter that is not described: {error:?}"
            ));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
