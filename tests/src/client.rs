//! A plain REST client for tests: sends JSON, gives back status and JSON, knows nothing of the server's insides.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

/// A client, with or without somebody logged in.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    /// Id of the user that is logged in; empty otherwise.
    pub user_id: String,
    /// The login token; empty otherwise.
    pub token: String,
    /// Sent with every request.
    headers: Vec<(String, String)>,
}

/// Status and body of an answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: StatusCode,
    /// HTTP headers.
    pub headers: reqwest::header::HeaderMap,
    /// The body as JSON; a text that is not JSON is a JSON string.
    pub body: Value,
}

impl Answer {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body of an answer that must be a success.
    ///
    /// # Panics
    /// When it is not.
    #[track_caller]
    pub fn ok(self) -> Value {
        assert!(
            self.status == StatusCode::OK && self.body["success"] != Value::Bool(false),
            "expected success, got {} {}",
            self.status,
            self.body
        );
        self.body
    }

    /// The body of an answer that must be a failure with this status.
    ///
    /// # Panics
    /// When it is not.
    #[track_caller]
    pub fn refused(self, status: u16) -> Value {
        assert_eq!(
            self.status.as_u16(),
            status,
            "expected a refusal, got {}",
            self.body
        );
        self.body
    }
}

/// An HTTP client that does not follow redirections.
///
/// # Panics
/// When there cannot be one.
pub fn http_client() -> reqwest::Client {
    // reqwest is built without cryptography of its own, and asks for some even where none is used. Fails when an
    // earlier client has set it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .expect("an HTTP client")
}

impl Client {
    /// A client of the server at `base` (no slash at the end).
    pub fn new(base: &str) -> Self {
        Self {
            http: http_client(),
            base: base.to_owned(),
            user_id: String::new(),
            token: String::new(),
            headers: Vec::new(),
        }
    }

    /// Whether the server says it is ready.
    pub async fn is_ready(&self) -> bool {
        let answer = self.http.get(format!("{}/readyz", self.base)).send().await;
        answer.is_ok_and(|answer| answer.status().is_success())
    }

    /// What the server says of its readiness; `None` where there is no answer.
    pub async fn readiness(&self) -> Option<Value> {
        let answer = self.http.get(format!("{}/readyz", self.base)).send().await;
        answer.ok()?.json().await.ok()
    }

    /// The same client with this user logged in.
    ///
    /// # Panics
    /// When the login fails.
    #[must_use]
    pub async fn login(&self, user: &str, password: &str) -> Self {
        let body = self
            .post("login", json!({"user": user, "password": password}))
            .await
            .ok();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Self {
            user_id: text(&body["data"]["userId"]),
            token: text(&body["data"]["authToken"]),
            ..self.clone()
        }
    }

    /// The same client with these credentials, right or wrong.
    #[must_use]
    pub fn with_token(&self, user_id: &str, token: &str) -> Self {
        Self {
            user_id: user_id.to_owned(),
            token: token.to_owned(),
            ..self.clone()
        }
    }

    /// Makes an account (this client must be an administrator's) and logs it in.
    pub async fn new_user(&self, username: &str) -> Self {
        let password = format!("password of {username}");
        self.post(
            "users.create",
            json!({"username": username, "name": username.to_uppercase(), "password": password,
                   "email": format!("{username}@example.org")}),
        )
        .await
        .ok();
        self.login(username, &password).await
    }

    /// The same client, with one more header on every request.
    #[must_use]
    pub fn with_header(&self, name: &str, value: &str) -> Self {
        let mut client = self.clone();
        client.headers.push((name.to_owned(), value.to_owned()));
        client
    }

    /// `GET /api/v1/<path>`, query included.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, &format!("/api/v1/{path}"), None)
            .await
    }

    /// `POST /api/v1/<path>` with a JSON body.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(
            Method::POST,
            &format!("/api/v1/{path}"),
            Some(("application/json", body.to_string())),
        )
        .await
    }

    /// Any request, on any path, with any body.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn send(&self, method: Method, path: &str, body: Option<(&str, String)>) -> Answer {
        match self.try_send(method, path, body).await {
            Ok(answer) => answer,
            Err(error) => panic!("{path}: {error}"),
        }
    }

    /// Any request; an error when there is no answer, as when the server was killed.
    pub async fn try_send(
        &self,
        method: Method,
        path: &str,
        body: Option<(&str, String)>,
    ) -> Result<Answer, reqwest::Error> {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        if !self.token.is_empty() {
            request = request
                .header("X-User-Id", &self.user_id)
                .header("X-Auth-Token", &self.token);
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if let Some((content_type, body)) = body {
            request = request.header("Content-Type", content_type).body(body);
        }
        let answer = request.send().await?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let text = answer.text().await?;
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Ok(Answer {
            status,
            headers,
            body,
        })
    }

    /// `POST /api/v1/<path>` with a file in the part `part`, and text fields.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn upload(
        &self,
        path: &str,
        (part, content_type, file): (&str, &str, &[u8]),
        fields: &[(&str, &str)],
    ) -> Answer {
        let file = reqwest::multipart::Part::bytes(file.to_vec())
            .file_name("file")
            .mime_str(content_type)
            .expect("a media type");
        let mut form = reqwest::multipart::Form::new().part(part.to_owned(), file);
        for (name, value) in fields {
            form = form.text((*name).to_owned(), (*value).to_owned());
        }
        let answer = self
            .http
            .post(format!("{}/api/v1/{path}", self.base))
            .header("X-User-Id", &self.user_id)
            .header("X-Auth-Token", &self.token)
            .multipart(form)
            .send()
            .await
            .expect("an answer");
        let (status, headers) = (answer.status(), answer.headers().clone());
        let text = answer.text().await.expect("a body");
        Answer {
            status,
            headers,
            body: serde_json::from_str(&text).unwrap_or(Value::String(text)),
        }
    }

    /// A file, as a browser loads it: any path, without the headers of the API.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn load(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> Loaded {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.expect("an answer");
        Loaded {
            status: answer.status().as_u16(),
            headers: answer.headers().clone(),
            bytes: answer.bytes().await.expect("a body").to_vec(),
        }
    }
}

/// A file that was loaded.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// HTTP status.
    pub status: u16,
    /// HTTP headers.
    pub headers: reqwest::header::HeaderMap,
    /// The file.
    pub bytes: Vec<u8>,
}

impl Loaded {
    /// A header as text; empty when it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// The file as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}
