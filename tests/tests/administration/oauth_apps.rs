//! This server as a provider: apps, consent, tokens.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::{Client as Http, Response, StatusCode, redirect::Policy};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tests::client::Client;
use tests::live::Live;
use tests::on_both_logs;
use tests::server::{Server, ServerOptions};

use crate::calls::{refusal, result};

on_both_logs![
    apps_are_looked_after,
    a_program_is_let_in,
    what_was_granted_ends_with_the_app_and_the_account,
];

/// How long something may take to arrive.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);

pub const BACK: &str = "https://wiki.example/back";

async fn app(admin: &Client) -> Value {
    let wish = json!({"name": "Wiki", "redirectUri": format!("{BACK}\nmy.app:/c"), "active": true});
    result(admin, "addOAuthApp", json!([wish])).await
}

async fn apps_are_looked_after(options: ServerOptions) {
    let server = options.start().await;
    let admin = server.admin().await;
    let alice = admin.new_user("alice").await;
    let app = app(&admin).await;
    assert_eq!(app["clientId"].as_str().unwrap().len(), 17);
    assert_eq!(app["clientSecret"].as_str().unwrap().len(), 43);
    assert_eq!(app["redirectUri"], json!([BACK, "my.app:/c"]));
    assert_eq!(app["_createdBy"]["username"], "admin");
    let list = admin.get("oauth-apps.list").await.ok();
    assert_eq!(list["oauthApps"], json!([app]));
    let refused = alice.get("oauth-apps.list").await.refused(400);
    assert_eq!(
        refused,
        json!({"success": false, "error": "error-not-allowed"})
    );

    let by_client = format!(
        "oauth-apps.get?clientId={}",
        app["clientId"].as_str().unwrap()
    );
    assert_eq!(admin.get(&by_client).await.ok()["oauthApp"], app);
    let shown = alice.get(&by_client).await.ok()["oauthApp"].clone();
    assert_eq!(shown["name"], "Wiki");
    assert!(shown.get("clientSecret").is_none(), "{shown}");
    let by_id = format!("oauth-apps.get?appId={}", app["_id"].as_str().unwrap());
    assert_eq!(admin.get(&by_id).await.ok()["oauthApp"], app);
    for query in ["", "?clientId=a&appId=b"] {
        let answer = admin
            .get(&format!("oauth-apps.get{query}"))
            .await
            .refused(400);
        let text = "At least one of the query parameters \"clientId\" or \"appId\" is required.";
        assert_eq!(answer["error"], text);
    }
    let answer = admin.get("oauth-apps.get?appId=x").await.refused(400);
    assert_eq!(answer["error"], "OAuth app not found.");

    for (params, code) in [
        (
            json!([{"name": "", "redirectUri": BACK, "active": true}]),
            "error-invalid-name",
        ),
        (
            json!([{"name": "x", "redirectUri": "", "active": true}]),
            "error-invalid-redirectUri",
        ),
        (
            json!([{"name": "x", "redirectUri": "javascript:alert(1)", "active": true}]),
            "error-invalid-redirectUri",
        ),
        (
            json!([{"name": "x", "redirectUri": BACK}]),
            "error-invalid-arguments",
        ),
    ] {
        assert_eq!(refusal(&admin, "addOAuthApp", params).await, code);
    }
    let wish = json!({"name": "Forum", "redirectUri": BACK, "active": false});
    for (method, params) in [
        ("addOAuthApp", json!([wish])),
        ("updateOAuthApp", json!([app["_id"], wish])),
        ("deleteOAuthApp", json!([app["_id"]])),
    ] {
        assert_eq!(refusal(&alice, method, params).await, "error-not-allowed");
    }
    let missing = refusal(&admin, "updateOAuthApp", json!(["x", wish])).await;
    assert_eq!(missing, "error-application-not-found");
    let changed = result(&admin, "updateOAuthApp", json!([app["_id"], wish])).await;
    assert_eq!(
        (&changed["name"], &changed["active"]),
        (&json!("Forum"), &json!(false))
    );
    assert_eq!(changed["_updatedBy"]["username"], "admin");
    assert_eq!(changed["clientSecret"], app["clientSecret"]);
    assert_eq!(
        result(&admin, "deleteOAuthApp", json!([app["_id"]])).await,
        true
    );
    let gone = refusal(&admin, "deleteOAuthApp", json!([app["_id"]])).await;
    assert_eq!(gone, "error-application-not-found");

    let wish = json!({"name": "Later", "redirectUri": BACK, "active": true});
    let made = admin.post("oauth-apps.create", wish.clone()).await.ok();
    let id = made["application"]["_id"].clone();
    let mut wish = wish;
    wish["appId"] = id.clone();
    wish["name"] = json!("Even later");
    assert_eq!(
        admin.post("oauth-apps.update", wish.clone()).await.ok()["name"],
        "Even later"
    );
    for path in ["create", "update", "delete"] {
        let answer = alice
            .post(&format!("oauth-apps.{path}"), wish.clone())
            .await
            .refused(400);
        assert_eq!(answer["errorType"], "error-not-allowed");
    }
    admin
        .post("oauth-apps.delete", json!({"appId": id}))
        .await
        .ok();
    assert_eq!(
        admin.get("oauth-apps.list").await.ok()["oauthApps"],
        json!([])
    );
}

/// A browser that does not follow.
fn browser() -> Http {
    Http::builder().redirect(Policy::none()).build().unwrap()
}

/// A program of somebody else asks Alice to be let in.
pub struct Flow {
    /// Her browser.
    pub http: Http,
    /// The server.
    pub url: String,
    /// The program.
    pub app: Value,
    /// She.
    pub alice: Client,
}

impl Flow {
    /// Adds the program and her account.
    pub async fn begin(server: &Server) -> Self {
        let admin = server.admin().await;
        Self {
            http: browser(),
            url: server.url(),
            app: app(&admin).await,
            alice: admin.new_user("alice").await,
        }
    }

    fn question(&self) -> Vec<(&'static str, String)> {
        vec![
            (
                "client_id",
                self.app["clientId"].as_str().unwrap().to_owned(),
            ),
            ("redirect_uri", BACK.to_owned()),
            ("response_type", "code".to_owned()),
            ("state", "s t".to_owned()),
        ]
    }

    async fn answer(&self, fields: &[(&'static str, String)]) -> Response {
        self.http
            .post(format!("{}/oauth/authorize", self.url))
            .header("X-User-Id", &self.alice.user_id)
            .header("X-Auth-Token", &self.alice.token)
            .form(fields)
            .send()
            .await
            .unwrap()
    }

    /// She lets the program in; the code it gets.
    pub async fn code(&self, more: &[(&'static str, String)]) -> String {
        let mut fields = self.question();
        fields.push(("allow", "yes".to_owned()));
        fields.extend(more.to_vec());
        sent_back(&self.answer(&fields).await, "code").expect("a code")
    }

    /// The program asks for tokens.
    pub async fn token(&self, fields: &[(&str, &str)]) -> (u16, Value) {
        let mut form = vec![
            ("client_id", self.app["clientId"].as_str().unwrap()),
            ("client_secret", self.app["clientSecret"].as_str().unwrap()),
        ];
        form.extend(fields);
        let answer = self
            .http
            .post(format!("{}/oauth/token", self.url))
            .form(&form)
            .send()
            .await
            .unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    /// The program makes use of its code.
    pub async fn redeem(&self, code: &str) -> (u16, Value) {
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", BACK),
        ];
        self.token(&fields).await
    }

    /// The program asks something.
    pub async fn with_bearer(&self, path: &str, token: &str) -> (u16, Value) {
        let answer = self
            .http
            .get(format!("{}{path}", self.url))
            .bearer_auth(token)
            .send()
            .await
            .unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }
}

/// A program acts for the user who let it in, but says nothing about how the account is logged in to.
#[tokio::test]
async fn a_program_cannot_take_the_account() {
    let server = Server::start().await;
    let flow = Flow::begin(&server).await;
    let other = server.client().login("alice", "password of alice").await;
    let (_, tokens) = flow.redeem(&flow.code(&[]).await).await;
    let access = tokens["access_token"].as_str().unwrap();
    let post = async |path: &str, body: &Value| {
        let url = format!("{}/api/v1/{path}", flow.url);
        let sent = flow.http.post(url).bearer_auth(access).json(body).send();
        let answer = sent.await.unwrap();
        (
            answer.status().as_u16(),
            answer.json::<Value>().await.unwrap(),
        )
    };
    let password = tests::sha256("password of alice");
    let own = |data: Value| json!({"data": data});
    let named = json!({"tokenName": "mine"});
    for (path, body) in [
        ("users.2fa.enableTotp", json!({})),
        ("users.2fa.validateTotp", json!({"code": "123456"})),
        ("users.2fa.disableTotp", json!({"code": "123456"})),
        ("users.2fa.regenerateTotpCodes", json!({"code": "123456"})),
        ("users.2fa.enableEmail", json!({})),
        ("users.2fa.disableEmail", json!({})),
        ("users.resetTOTP", json!({})),
        ("users.resetE2EKey", json!({})),
        ("users.generatePersonalAccessToken", named.clone()),
        ("users.regeneratePersonalAccessToken", named.clone()),
        ("users.removePersonalAccessToken", named),
        ("users.logout", json!({})),
        ("users.logoutOtherClients", json!({})),
        ("users.removeOtherTokens", json!({})),
        (
            "users.updateOwnBasicInfo",
            own(json!({"newPassword": "another one", "currentPassword": password})),
        ),
        (
            "users.updateOwnBasicInfo",
            own(json!({"email": "program@example.org", "currentPassword": password})),
        ),
        (
            "users.updateOwnBasicInfo",
            own(json!({"username": "program", "currentPassword": password})),
        ),
        ("users.deleteOwnAccount", json!({"password": password})),
    ] {
        let (status, answer) = post(path, &body).await;
        assert_eq!(
            (status, &answer["errorType"]),
            (400, &json!("error-not-allowed")),
            "{path} {answer}"
        );
    }
    for (name, params) in [
        ("2fa:enable", json!([])),
        ("2fa:validateTempToken", json!(["123456"])),
        ("2fa:disable", json!(["123456"])),
        ("2fa:regenerateCodes", json!(["123456"])),
        ("removeOtherTokens", json!([])),
        (
            "personalAccessTokens:generateToken",
            json!([{"tokenName": "mine"}]),
        ),
        (
            "personalAccessTokens:removeToken",
            json!([{"tokenName": "mine"}]),
        ),
        (
            "saveUserProfile",
            json!([{"newPassword": "another one", "typedPassword": password}, {}]),
        ),
    ] {
        let message = json!({"msg": "method", "id": "1", "method": name, "params": params});
        let message = json!({"message": message.to_string()});
        let (_, answer) = post(&format!("method.call/{name}"), &message).await;
        let answer: Value = serde_json::from_str(answer["message"].as_str().unwrap()).unwrap();
        assert_eq!(
            answer["error"]["error"], "error-not-allowed",
            "{name} {answer}"
        );
    }
    // Everything else it may, and the owner is as before.
    let name = own(json!({"name": "Alice A."}));
    assert_eq!(post("users.updateOwnBasicInfo", &name).await.0, 200);
    other.get("me").await.ok();
    let again = server.client().login("alice", "password of alice").await;
    again.get("me").await.ok();
    assert_eq!(post("logout", &json!({})).await.0, 200);
    assert_eq!(flow.with_bearer("/api/v1/me", access).await.0, 401);
}

/// What the program at the other end is told.
fn sent_back(answer: &Response, name: &str) -> Option<String> {
    assert_eq!(answer.status(), StatusCode::FOUND);
    let target = answer.headers()["location"].to_str().unwrap();
    assert!(target.starts_with(BACK), "{target}");
    let url = reqwest::Url::parse(target).unwrap();
    url.query_pairs()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

async fn a_program_is_let_in(options: ServerOptions) {
    let server = options.start().await;
    let flow = Flow::begin(&server).await;
    let mut denied = flow.question();
    denied.push(("allow", "no".to_owned()));
    let answer = flow.answer(&denied).await;
    assert_eq!(
        sent_back(&answer, "error").as_deref(),
        Some("access_denied")
    );
    assert_eq!(sent_back(&answer, "state").as_deref(), Some("s t"));

    let code = flow.code(&[]).await;
    let wrong = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", "my.app:/c"),
    ];
    let unnamed = [("grant_type", "authorization_code"), ("code", &code)];
    for fields in [&wrong[..], &unnamed[..]] {
        assert_eq!(
            flow.token(fields).await,
            (400, json!({"error": "invalid_grant"}))
        );
    }
    let me = flow.alice.get("me").await.ok();
    assert_eq!(me.get("oauth"), None, "nobody yet");
    let (status, tokens) = flow.redeem(&code).await;
    assert_eq!(
        (status, &tokens["token_type"], &tokens["expires_in"]),
        (200, &json!("Bearer"), &json!(3600))
    );
    let access = tokens["access_token"].as_str().unwrap();
    let (status, me) = flow.with_bearer("/api/v1/me", access).await;
    assert_eq!((status, &me["username"]), (200, &json!("alice")));
    let clients = json!({"authorizedClients": [flow.app["clientId"]]});
    assert_eq!(me["oauth"], clients, "she is told whom she let in");
    let query = format!("me?access_token={access}");
    assert_eq!(server.client().get(&query).await.ok()["username"], "alice");
    let (status, info) = flow.with_bearer("/oauth/userinfo", access).await;
    assert_eq!(status, 200);
    assert_eq!(info["sub"], flow.alice.user_id);
    assert_eq!(info["email"], "alice@example.org");
    assert_eq!(info["preffered_username"], "alice");
    assert_eq!(flow.with_bearer("/oauth/userinfo", "wrong").await.0, 401);
    assert_eq!(flow.with_bearer("/api/v1/me", "wrong").await.0, 401);

    let refresh = tokens["refresh_token"].as_str().unwrap();
    assert_eq!(
        flow.with_bearer("/api/v1/me", refresh).await.0,
        401,
        "renews only"
    );
    let renew = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
    let (status, renewed) = flow.token(&renew).await;
    assert_eq!(status, 200, "{renewed}");
    let newer = renewed["access_token"].as_str().unwrap();
    assert_eq!(flow.with_bearer("/api/v1/me", newer).await.0, 200);
    assert_eq!(
        flow.with_bearer("/api/v1/me", access).await.0,
        401,
        "displaced"
    );
    assert_eq!(
        flow.redeem(&code).await,
        (400, json!({"error": "invalid_grant"}))
    );
    assert_eq!(
        flow.with_bearer("/api/v1/me", newer).await.0,
        401,
        "a code used twice ends it all"
    );
    assert_eq!(flow.alice.get("me").await.ok().get("oauth"), None);
}

#[tokio::test]
async fn a_code_may_be_bound_to_a_proof() {
    let server = Server::start().await;
    let flow = Flow::begin(&server).await;
    let verifier = "v".repeat(50);
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&verifier));
    let more = [
        ("code_challenge", challenge),
        ("code_challenge_method", "S256".to_owned()),
    ];
    let code = flow.code(&more).await;
    assert_eq!(flow.redeem(&code).await.0, 400, "no proof");
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", BACK),
        ("code_verifier", verifier.as_str()),
    ];
    assert_eq!(flow.token(&fields).await.0, 200);
    let mut fields = flow.question();
    fields.extend([
        ("allow", "yes".to_owned()),
        ("code_challenge", "short".to_owned()),
    ]);
    let answer = flow.answer(&fields).await;
    assert_eq!(
        sent_back(&answer, "error").as_deref(),
        Some("invalid_request")
    );
}

#[tokio::test]
async fn nobody_is_sent_where_nobody_said() {
    let server = Server::start().await;
    let flow = Flow::begin(&server).await;
    for (index, wrong) in [(0, "unknown"), (1, "https://evil.example/")] {
        let mut fields = flow.question();
        fields[index].1 = wrong.to_owned();
        fields.push(("allow", "yes".to_owned()));
        assert_eq!(flow.answer(&fields).await.status(), 400);
    }
    let mut fields = flow.question();
    fields[2].1 = "token".to_owned();
    let answer = flow.answer(&fields).await;
    assert_eq!(
        sent_back(&answer, "error").as_deref(),
        Some("unsupported_response_type")
    );
    let stranger = flow.http.post(format!("{}/oauth/authorize", flow.url));
    let answer = stranger.form(&flow.question()).send().await.unwrap();
    assert_eq!(answer.status(), 401);
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", "x"),
        ("client_secret", "y"),
    ];
    let answer = flow
        .http
        .post(format!("{}/oauth/token", flow.url))
        .form(&form)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 401);
    let (status, body) = flow.token(&[("grant_type", "password")]).await;
    assert_eq!(
        (status, body),
        (400, json!({"error": "unsupported_grant_type"}))
    );
}

#[tokio::test]
async fn a_browser_answers_the_form_it_was_shown() {
    let server = Server::start().await;
    let flow = Flow::begin(&server).await;
    let cookie = format!(
        "rc_uid={}; rc_token={}",
        flow.alice.user_id, flow.alice.token
    );
    let address = format!("{}/oauth/authorize", flow.url);
    let page = flow
        .http
        .get(&address)
        .query(&flow.question())
        .header("Cookie", &cookie);
    let page = page.send().await.unwrap();
    assert_eq!(page.status(), 200);
    assert_eq!(page.headers()["x-frame-options"], "DENY");
    let page = page.text().await.unwrap();
    assert!(page.contains("Wiki") && page.contains("alice"), "{page}");
    let csrf = page.split("name=\"csrf\" value=\"").nth(1).unwrap();
    let csrf = csrf.split('"').next().unwrap().to_owned();
    let mut fields = flow.question();
    fields.push(("allow", "yes".to_owned()));
    let forged = flow
        .http
        .post(&address)
        .form(&fields)
        .header("Cookie", &cookie);
    assert_eq!(
        forged.send().await.unwrap().status(),
        403,
        "another site sent it"
    );
    fields.push(("csrf", csrf));
    let answer = flow
        .http
        .post(&address)
        .form(&fields)
        .header("Cookie", &cookie);
    assert!(sent_back(&answer.send().await.unwrap(), "code").is_some());
}

async fn what_was_granted_ends_with_the_app_and_the_account(options: ServerOptions) {
    let server = options.start().await;
    let flow = Flow::begin(&server).await;
    let admin = server.admin().await;
    let token = async || {
        let code = flow.code(&[]).await;
        let (_, tokens) = flow.redeem(&code).await;
        tokens["access_token"].as_str().unwrap().to_owned()
    };
    let access = token().await;
    let off = json!({"name": "Wiki", "redirectUri": BACK, "active": false});
    result(&admin, "updateOAuthApp", json!([flow.app["_id"], off])).await;
    assert_eq!(flow.with_bearer("/api/v1/me", &access).await.0, 401);
    let on = json!({"name": "Wiki", "redirectUri": BACK, "active": true});
    result(&admin, "updateOAuthApp", json!([flow.app["_id"], on])).await;
    assert_eq!(flow.with_bearer("/api/v1/me", &access).await.0, 200);
    // A program may listen as well, for as long as that holds.
    let program = server.client().with_token(&flow.alice.user_id, &access);
    let mut socket = Live::connect(&server, &program, None).await;
    socket.subscribe(&["GENERAL"]).await;
    let post = json!({"message": {"rid": "GENERAL", "msg": "hello program"}});
    admin.post("chat.sendMessage", post).await.ok();
    let update = socket.next_update(PATIENCE).await.expect("an update");
    assert_eq!(update["data"]["msg"], "hello program");
    result(&admin, "updateOAuthApp", json!([flow.app["_id"], off])).await;
    assert_eq!(socket.next_update(PATIENCE).await, None);
    let closed = socket.closed.expect("it was closed");
    assert_eq!(u16::from(closed.code), 4003, "access ended");
    result(&admin, "updateOAuthApp", json!([flow.app["_id"], on])).await;

    let mut others = Live::open(&server, None).await;
    let wrong = json!({"authenticate": {"token": access, "user": admin.user_id}});
    others.send(&wrong).await;
    let refused = others.next_frame(PATIENCE).await.expect("an answer");
    assert_eq!(refused["data"]["code"], "wrong-credentials", "not hers");
    let inactive = json!({"userId": flow.alice.user_id, "activeStatus": false});
    admin.post("users.setActiveStatus", inactive).await.ok();
    assert_eq!(flow.with_bearer("/api/v1/me", &access).await.0, 401);
}
