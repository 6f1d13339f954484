//! Mail: verification, forgotten passwords, notices; and mail servers that refuse, defer, are down or are not there.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::client::Client;
use tests::method::method;
use tests::on_both_logs;
use tests::server::{ADMIN, ADMIN_PASSWORD, Server, ServerOptions};
use tests::smtp::{Received, SmtpSink};

use tests::sha256;

on_both_logs![
    an_address_is_proved_by_mail,
    a_forgotten_password_is_replaced,
    mail_waits_for_its_server,
];

const FORM: &str = "application/x-www-form-urlencoded";

async fn page(client: &Client, path: &str) -> tests::client::Answer {
    client.send(Method::GET, path, None).await
}

async fn sign_up(server: &Server, name: &str, address: &str) -> Value {
    let body = json!({"username": name, "name": format!("The {name}"), "email": address,
                      "pass": format!("password of {name}")});
    server.client().post("users.register", body).await.ok()["user"].clone()
}

async fn set(server: &Server, address: &str, name: &str) {
    let admin = server.admin().await;
    let user = admin.get(&format!("users.info?username={name}")).await.ok();
    let body = json!({"userId": user["user"]["_id"], "data": {"email": address}});
    admin.post("users.update", body).await.ok();
}

async fn may_log_in(server: &Server, user: &str, password: &str) -> bool {
    let body = json!({"user": user, "password": password});
    server.client().post("login", body).await.status == StatusCode::OK
}

fn reset_token(mail: &Received) -> String {
    let link = mail.link("/reset-password/");
    link.trim_start_matches("/reset-password/").to_owned()
}

async fn an_address_is_proved_by_mail(options: ServerOptions) {
    let sink = SmtpSink::start();
    let server = sink
        .configure(options)
        .env("OVERWRITE_SETTING_Accounts_EmailVerification", "true")
        .start()
        .await;
    sign_up(&server, "ada", "ada@example.org").await;
    let mail = sink.wait_for("ada@example.org", "confirm").await;
    assert!(mail.source.contains("Hello The ada,"), "{}", mail.source);
    assert_eq!(mail.header("Auto-Submitted"), "auto-generated");
    assert!(mail.header("From").contains("chat@example.org"));
    sink.wait_for("ada@example.org", "Welcome").await;
    let client = server.client();
    assert!(!may_log_in(&server, "ada", "password of ada").await);

    let link = mail.link("/verify-email/");
    assert_eq!(link.len(), "/verify-email/".len() + 43);
    let answer = page(&client, &link).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert!(answer.body.as_str().unwrap().contains("confirmed"));
    let policy = answer.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("default-src 'none'"), "{policy}");
    assert_eq!(answer.headers["referrer-policy"], "no-referrer");
    let ada = client.login("ada", "password of ada").await;
    let me = ada.get("me").await.ok();
    assert_eq!(me["emails"][0]["verified"], json!(true));

    // A second visit is no mistake, a wrong link is.
    let again = page(&client, &link).await;
    assert_eq!(again.status, StatusCode::OK);
    let wrong = page(&client, "/verify-email/nonsense").await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    assert!(
        !server
            .output()
            .contains(link.trim_start_matches("/verify-email/"))
    );
}

fn token_of(link: &str) -> String {
    link.trim_start_matches("/reset-password/").to_owned()
}

async fn a_forgotten_password_is_replaced(options: ServerOptions) {
    let sink = SmtpSink::start();
    let server = sink.configure(options).start().await;
    sign_up(&server, "bob", "bob@example.org").await;
    let client = server.client();
    let old = client.login("bob", "password of bob").await;
    for address in ["nobody@example.org", "BOB@example.org"] {
        let body = json!({"email": address});
        let answer = client.post("users.forgotPassword", body).await.ok();
        assert_eq!(answer, json!({"success": true}));
    }
    let mail = sink.wait_for("bob@example.org", "new password").await;
    let link = mail.link("/reset-password/");
    let form = page(&client, &link).await;
    assert_eq!(form.status, StatusCode::OK);
    assert!(form.body.as_str().unwrap().contains("<form"));
    // Whoever chooses a new password is told what it must be, without a login; others need one.
    for (token, known) in [(token_of(&link), true), ("guess".to_owned(), false)] {
        let message = json!({"msg": "method", "id": "1", "method": "getPasswordPolicy", "params": [{"token": token}]});
        let answer = client
            .post(
                "method.callAnon/getPasswordPolicy",
                json!({"message": message.to_string()}),
            )
            .await
            .ok();
        let inner: Value = serde_json::from_str(answer["message"].as_str().unwrap()).unwrap();
        if known {
            assert_eq!(inner["result"]["enabled"], false, "{inner}");
        } else {
            assert_eq!(inner["error"]["error"], "error-invalid-user", "{inner}");
        }
    }

    let send = |password: &str, repeated: &str| {
        let body = format!("password={password}&repeated={repeated}");
        let (client, link) = (client.clone(), link.clone());
        async move { client.send(Method::POST, &link, Some((FORM, body))).await }
    };
    for (password, repeated) in [("new+secret", "other"), ("", ""), ("+", "+")] {
        let refused = send(password, repeated).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{password}");
        assert!(refused.body.as_str().unwrap().contains("<form"));
    }
    let done = send("new+secret", "new+secret").await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.body);
    assert!(may_log_in(&server, "bob", "new secret").await);
    assert!(!may_log_in(&server, "bob", "password of bob").await);
    old.get("me").await.refused(401);

    // The link worked, and does not work again.
    let again = send("third", "third").await;
    assert_eq!(again.status, StatusCode::BAD_REQUEST);
    assert!(!again.body.as_str().unwrap().contains("<form"));
    assert_eq!(page(&client, &link).await.status, StatusCode::BAD_REQUEST);
    assert!(may_log_in(&server, "bob", "new secret").await);
    assert!(sink.to("nobody@example.org", "").is_empty());
}

#[tokio::test]
async fn people_are_invited() {
    let sink = SmtpSink::start();
    let server = sink.server().start().await;
    let admin = server.admin().await;
    let bob = admin.new_user("bob").await;
    let wish = json!({"emails": [" zoe@example.net ", "nobody", "yan@example.net"]});
    bob.post("users.sendInvitationEmail", wish.clone())
        .await
        .refused(403);
    admin
        .post("users.sendInvitationEmail", wish.clone())
        .await
        .ok();
    for address in ["zoe@example.net", "yan@example.net"] {
        sink.wait_for(address, "").await;
    }
    let by_method = method(&admin, "sendInvitationEmail", json!([wish["emails"]])).await;
    assert_eq!(
        by_method["result"],
        json!(["yan@example.net", "zoe@example.net"])
    );
    let refused = method(&bob, "sendInvitationEmail", json!([wish["emails"]])).await;
    assert_eq!(refused["error"]["error"], "error-not-allowed", "{refused}");
    let many = json!({"emails": vec!["x@example.net"; 51]});
    admin
        .post("users.sendInvitationEmail", many)
        .await
        .refused(413);
    admin
        .post("users.sendInvitationEmail", json!({}))
        .await
        .refused(400);
}

#[tokio::test]
async fn an_address_is_proved_over_rest() {
    let sink = SmtpSink::start();
    let server = sink
        .server()
        .env("OVERWRITE_SETTING_Accounts_EmailVerification", "true")
        .start()
        .await;
    sign_up(&server, "eve", "eve@example.org").await;
    let client = server.client();
    let mail = sink.wait_for("eve@example.org", "confirm").await;
    let token = mail.link("/verify-email/").replace("/verify-email/", "");
    for wrong in [json!({"token": "x"}), json!({}), json!({"token": ""})] {
        client.post("users.verifyEmail", wrong).await.refused(400);
    }
    let proved = client
        .post("users.verifyEmail", json!({ "token": token }))
        .await;
    assert_eq!(
        proved.ok(),
        json!({"success": true}),
        "nobody is logged in by it"
    );
    assert!(may_log_in(&server, "eve", "password of eve").await);
}

#[tokio::test]
async fn methods_ask_for_links_and_follow_them() {
    let sink = SmtpSink::start();
    let server = sink
        .server()
        .env("OVERWRITE_SETTING_Accounts_EmailVerification", "true")
        .start()
        .await;
    let user = sign_up(&server, "eve", "eve@example.org").await;
    let client = server.client();
    for address in ["nobody@example.org", "eve@example.org"] {
        let sent = method(&client, "sendConfirmationEmail", json!([address])).await;
        assert_eq!(sent["result"], json!(true), "nobody learns who is there");
    }
    let mail = sink.wait_for("eve@example.org", "confirm").await;
    let token = mail.link("/verify-email/").replace("/verify-email/", "");
    let login = method(&client, "verifyEmail", json!([token])).await;
    assert_eq!(login["result"]["id"], user["_id"]);
    assert!(login["result"]["tokenExpires"]["$date"].is_i64(), "{login}");
    let token = login["result"]["token"].as_str().unwrap();
    let eve = client.with_token(user["_id"].as_str().unwrap(), token);
    eve.get("me").await.ok();

    for address in ["nobody@example.org", "eve@example.org"] {
        let sent = method(&client, "sendForgotPasswordEmail", json!([address])).await;
        assert_eq!(sent["result"], json!(true));
    }
    let mail = sink.wait_for("eve@example.org", "new password").await;
    let token = reset_token(&mail);
    let blank = method(&client, "resetPassword", json!([token, " "])).await;
    assert_eq!(blank["error"]["error"], "error-password-policy-not-met");
    let login = method(&client, "resetPassword", json!([token, "brand new"])).await;
    assert_eq!(login["result"]["id"], user["_id"], "{login}");
    let again = method(&client, "resetPassword", json!([token, "brand newer"])).await;
    assert_eq!(again["error"]["error"], json!(403));
    assert_eq!(again["error"]["reason"], "Token expired");
    eve.get("me").await.refused(401);
    assert!(may_log_in(&server, "eve", "brand new").await);
}

#[tokio::test]
async fn a_former_password_does_not_come_back_by_mail() {
    let sink = SmtpSink::start();
    let server = sink
        .server()
        .env(
            "OVERWRITE_SETTING_Accounts_Password_History_Enabled",
            "true",
        )
        .start()
        .await;
    sign_up(&server, "hal", "hal@example.org").await;
    let client = server.client();
    let hal = client.login("hal", "password of hal").await;
    let change = json!({"data": {"newPassword": "the second", "currentPassword": sha256("password of hal")}});
    hal.post("users.updateOwnBasicInfo", change).await.ok();
    method(
        &client,
        "sendForgotPasswordEmail",
        json!(["hal@example.org"]),
    )
    .await;
    let mail = sink.wait_for("hal@example.org", "new password").await;
    let token = reset_token(&mail);
    let digest = json!({"digest": sha256("password of hal"), "algorithm": "sha-256"});
    for (chosen, code) in [
        (json!("the second"), "error-password-same-as-current"),
        (json!("password of hal"), "error-password-in-history"),
        (digest, "error-password-in-history"),
    ] {
        let refused = method(&client, "resetPassword", json!([token, chosen])).await;
        assert_eq!(refused["error"]["error"], code, "{chosen}");
    }
    // The link is good for a new one still, and where nothing is remembered for any.
    super::set(
        &server.admin().await,
        "Accounts_Password_History_Enabled",
        json!(false),
    )
    .await;
    let login = method(&client, "resetPassword", json!([token, "password of hal"])).await;
    assert!(login["result"]["token"].is_string(), "{login}");
}

#[tokio::test]
async fn the_policy_is_told_to_those_who_come_with_a_link() {
    let sink = SmtpSink::start();
    let server = sink.server().start().await;
    sign_up(&server, "ivy", "ivy@example.org").await;
    let client = server.client();
    for wrong in [json!([{"token": "wrong"}]), json!([{"token": ""}])] {
        let refused = method(&client, "getPasswordPolicy", wrong).await;
        assert_eq!(refused["error"]["error"], "error-invalid-user");
    }
    method(
        &client,
        "sendForgotPasswordEmail",
        json!(["ivy@example.org"]),
    )
    .await;
    let mail = sink.wait_for("ivy@example.org", "new password").await;
    let params = json!([{"token": reset_token(&mail)}]);
    let policy = method(&client, "getPasswordPolicy", params).await;
    assert_eq!(policy["result"], json!({"enabled": false, "policy": []}));
}

#[tokio::test]
async fn a_password_chosen_otherwise_voids_links_and_so_does_another_address() {
    let sink = SmtpSink::start();
    let server = sink.server().start().await;
    let user = sign_up(&server, "fay", "fay@example.org").await;
    let client = server.client();
    let forgot = json!({"email": "fay@example.org"});
    client
        .post("users.forgotPassword", forgot.clone())
        .await
        .ok();
    let mail = sink.wait_for("fay@example.org", "new password").await;
    let admin = server.admin().await;
    let change = json!({"userId": user["_id"], "data": {"password": "by an admin"}});
    admin.post("users.update", change).await.ok();
    let link = mail.link("/reset-password/");
    assert_eq!(page(&client, &link).await.status, StatusCode::BAD_REQUEST);

    client.post("users.forgotPassword", forgot).await.ok();
    let second = loop {
        let mails = sink.to("fay@example.org", "new password");
        if let Some(mail) = mails
            .iter()
            .find(|other| reset_token(other) != reset_token(&mail))
        {
            break mail.link("/reset-password/");
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(page(&client, &second).await.status, StatusCode::OK);
    set(&server, "fay2@example.org", "fay").await;
    assert_eq!(page(&client, &second).await.status, StatusCode::BAD_REQUEST);
    let notice = sink
        .wait_for("fay@example.org", "address was changed")
        .await;
    assert!(notice.text.contains("fay2@example.org"), "{}", notice.text);
    sink.wait_for("fay2@example.org", "confirm").await;
}

#[tokio::test]
async fn passwords_made_up_for_others_are_mailed_and_work() {
    let sink = SmtpSink::start();
    let server = sink.server().start().await;
    let admin = server.admin().await;
    let body = json!({"username": "gil", "name": "Gil", "email": "gil@example.org", "password": "ignored",
                      "setRandomPassword": true, "verified": true});
    let user = admin.post("users.create", body).await.ok()["user"].clone();
    let mail = sink.wait_for("gil@example.org", "Welcome").await;
    let first = mail.text.split("first password: ").nth(1).unwrap();
    let first = first.split_whitespace().next().unwrap().to_owned();
    assert!(may_log_in(&server, "gil", &first).await, "{first}");

    let change = json!({"userId": user["_id"], "data": {"setRandomPassword": true}});
    admin.post("users.update", change).await.ok();
    let mail = sink
        .wait_for("gil@example.org", "password was changed")
        .await;
    let second = mail.text.split("It is: ").nth(1).unwrap();
    let second = second.split_whitespace().next().unwrap();
    assert!(may_log_in(&server, "gil", second).await, "{second}");
    let log = std::fs::read(server.data().join("log.db")).unwrap();
    for secret in [first.as_str(), second] {
        let found = log
            .windows(secret.len())
            .any(|part| part == secret.as_bytes());
        assert!(!found, "a password stands in the log");
    }
}

#[tokio::test]
async fn those_who_wait_for_approval_and_those_who_approve_are_told() {
    let sink = SmtpSink::start();
    let server = sink
        .server()
        .env("OVERWRITE_SETTING_Accounts_ManuallyApproveNewUsers", "true")
        .start()
        .await;
    let body = json!({"username": "hal", "name": "Hal", "email": "hal@example.org", "pass": "secret of hal",
                      "reason": "open the <doors>"});
    let user = server.client().post("users.register", body).await.ok()["user"].clone();
    let asked = sink.wait_for("admin@example.org", "approval").await;
    assert!(asked.text.contains("open the <doors>"), "{}", asked.text);
    assert!(asked.source.contains("open the &lt;doors&gt;"));
    let admin = server.admin().await;
    for (active, subject) in [
        (true, "approved"),
        (false, "deactivated"),
        (true, "activated"),
    ] {
        let body = json!({"userId": user["_id"], "activeStatus": active});
        admin.post("users.setActiveStatus", body).await.ok();
        sink.wait_for("hal@example.org", subject).await;
    }
    assert!(sink.to("hal@example.org", "Welcome").is_empty());
}

#[tokio::test]
async fn confirmation_and_welcome_mails_have_their_rules() {
    let sink = SmtpSink::start();
    let server = sink.server().start().await;
    sign_up(&server, "ida", "ida@example.org").await;
    sign_up(&server, "jon", "jon@example.org").await;
    let ida = server.client().login("ida", "password of ida").await;
    let own = json!({"email": "ida@example.org"});
    server
        .client()
        .post("users.sendConfirmationEmail", own.clone())
        .await
        .refused(401);
    ida.post("users.sendConfirmationEmail", json!({}))
        .await
        .refused(400);
    ida.post("users.sendConfirmationEmail", own.clone())
        .await
        .ok();
    sink.wait_for("ida@example.org", "confirm").await;
    for foreign in ["jon@example.org", "nobody@example.org"] {
        let body = ida
            .post("users.sendConfirmationEmail", json!({"email": foreign}))
            .await;
        assert_eq!(body.refused(400), json!({"success": false}));
    }
    for _ in 0..4 {
        ida.post("users.sendConfirmationEmail", own.clone())
            .await
            .ok();
    }
    ida.post("users.sendConfirmationEmail", own.clone())
        .await
        .refused(429);

    ida.post(
        "users.sendWelcomeEmail",
        json!({"email": "jon@example.org"}),
    )
    .await
    .refused(403);
    let admin = server.admin().await;
    let unknown = json!({"email": "nobody@example.org"});
    let refused = admin
        .post("users.sendWelcomeEmail", unknown)
        .await
        .refused(400);
    assert_eq!(refused["errorType"], "error-invalid-user");
    let body = json!({"email": "jon@example.org"});
    admin.post("users.sendWelcomeEmail", body).await.ok();
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    let mail = loop {
        let mails = sink.to("jon@example.org", "Welcome");
        if let Some(mail) = mails
            .into_iter()
            .find(|mail| mail.text.contains("/reset-password/"))
        {
            break mail;
        }
        assert!(
            std::time::Instant::now() < deadline,
            "no link to choose the first password"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let link = mail.link("/reset-password/");
    let form = (FORM, "password=chosen&repeated=chosen".to_owned());
    let done = server.client().send(Method::POST, &link, Some(form)).await;
    assert_eq!(done.status, StatusCode::OK);
    assert!(may_log_in(&server, "jon", "chosen").await);
}

#[tokio::test]
async fn forgotten_passwords_need_an_address_and_can_be_switched_off() {
    let sink = SmtpSink::start();
    let server = sink
        .server()
        .env("OVERWRITE_SETTING_Accounts_PasswordReset", "false")
        .start()
        .await;
    let client = server.client();
    let refused = client
        .post("users.forgotPassword", json!({}))
        .await
        .refused(400);
    assert_eq!(refused["error"], "The 'email' param is required");
    sign_up(&server, "kim", "kim@example.org").await;
    sink.wait_for("kim@example.org", "Welcome").await;
    client
        .post("users.forgotPassword", json!({"email": "kim@example.org"}))
        .await
        .ok();
    let sent = method(
        &client,
        "sendForgotPasswordEmail",
        json!(["kim@example.org"]),
    )
    .await;
    assert_eq!(sent["result"], json!(false));
    // Mail is sent in order: what comes later has arrived, so would have what came before.
    let kim = client.login("kim", "password of kim").await;
    let own = json!({"email": "kim@example.org"});
    kim.post("users.sendConfirmationEmail", own).await.ok();
    sink.wait_for("kim@example.org", "confirm").await;
    assert!(sink.to("kim@example.org", "new password").is_empty());
}

#[tokio::test]
async fn mail_goes_over_tls_with_a_login() {
    let sink = SmtpSink::with_tls("postman", "pa:ss word");
    let authority = sink.authority().display().to_string();
    let secure = ServerOptions::default()
        .env("OVERWRITE_SETTING_SMTP_Host", "localhost")
        .env("OVERWRITE_SETTING_SMTP_Port", sink.port().to_string())
        .env("OVERWRITE_SETTING_SMTP_IgnoreTLS", "false")
        .env("OVERWRITE_SETTING_SMTP_Username", "postman")
        .env("OVERWRITE_SETTING_SMTP_Password", "pa:ss word");
    let server = secure
        .clone()
        .env("SSL_CERT_FILE", authority.clone())
        .start()
        .await;
    sign_up(&server, "lea", "lea@example.org").await;
    sink.wait_for("lea@example.org", "Welcome").await;
    let admin = server.admin().await;
    let test = method(&admin, "sendSMTPTestEmail", json!([])).await;
    let expected = json!({"message": "Your_mail_was_sent_to_s", "params": ["admin@example.org"]});
    assert_eq!(test["result"], expected, "{test}");
    sink.wait_for("admin@example.org", "mail works").await;
    let lea = server.client().login("lea", "password of lea").await;
    let refused = method(&lea, "sendSMTPTestEmail", json!([])).await;
    assert_eq!(refused["error"]["error"], "error-not-allowed");

    // The same as a URL; and nothing is told to a server that cannot prove who it is.
    let url = format!("smtp://postman:pa%3Ass%20word@localhost:{}", sink.port());
    let by_url = ServerOptions::default()
        .env("MAIL_URL", url.clone())
        .env("SSL_CERT_FILE", authority)
        .start()
        .await;
    sign_up(&by_url, "max", "max@example.org").await;
    sink.wait_for("max@example.org", "Welcome").await;
    let distrustful = ServerOptions::default().env("MAIL_URL", url).start().await;
    let test = method(&distrustful.admin().await, "sendSMTPTestEmail", json!([])).await;
    assert_eq!(test["error"]["error"], "error-email-send-failed", "{test}");
}

#[tokio::test]
async fn a_refused_mail_is_passed_over_and_a_deferred_one_comes_again() {
    let sink = SmtpSink::start();
    let mut server = sink.server().start().await;
    sign_up(&server, "reject", "reject@example.org").await;
    sign_up(&server, "defer", "defer@example.org").await;
    sign_up(&server, "nina", "nina@example.org").await;
    sink.wait_for("nina@example.org", "Welcome").await;
    let output = server.output();
    assert!(
        output.contains("refuses the mail for good (550)"),
        "{output}"
    );
    assert!(!output.contains("reject@example.org"), "{output}");
    assert!(sink.to("defer@example.org", "").is_empty());

    // Neither is forgotten over a crash, nor sent again: what is repeated because the crash came before the success
    // was noted has the same id.
    server.kill9();
    sink.open();
    server.restart().await;
    sink.wait_for("defer@example.org", "Welcome").await;
    sign_up(&server, "otto", "otto@example.org").await;
    sink.wait_for("otto@example.org", "Welcome").await;
    for address in ["defer@example.org", "nina@example.org"] {
        assert_eq!(sink.count(address, "Welcome"), 1, "{address}");
    }
    assert!(sink.to("reject@example.org", "").is_empty());
}

async fn mail_waits_for_its_server(options: ServerOptions) {
    let mut sink = SmtpSink::stopped();
    let mut server = sink.configure(options).start().await;
    sign_up(&server, "pia", "pia@example.org").await;
    sign_up(&server, "quinn", "quinn@example.org").await;
    // The event is recorded, the mail not sent, when the server dies.
    server.kill9();
    server.restart().await;
    sink.restart();
    let mail = sink.wait_for("pia@example.org", "Welcome").await;
    let other = sink.wait_for("quinn@example.org", "Welcome").await;
    assert_ne!(mail.header("Message-ID"), other.header("Message-ID"));
    assert!(mail.header("Message-ID").starts_with("<mail-"));
    // Down and up again while the server runs.
    sink.stop();
    sign_up(&server, "rosa", "rosa@example.org").await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    sink.restart();
    sink.wait_for("rosa@example.org", "Welcome").await;
    for address in ["pia@example.org", "quinn@example.org", "rosa@example.org"] {
        assert_eq!(sink.to(address, "Welcome").len(), 1, "{address}");
    }
}

#[tokio::test]
async fn without_a_mail_server_everything_else_works_and_nothing_is_sent_later() {
    let mut server = Server::start().await;
    sign_up(&server, "sam", "sam@example.org").await;
    sign_up(&server, "tim", "tim@example.org").await;
    let admin = server.admin().await;
    let check = admin.get("smtp.check").await.ok();
    assert_eq!(check["isSMTPConfigured"], json!(false));
    server.client().get("smtp.check").await.refused(401);
    let body = json!({"email": "sam@example.org"});
    let refused = admin
        .post("users.sendWelcomeEmail", body)
        .await
        .refused(400);
    assert_eq!(refused["errorType"], "error-email-send-failed");
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while !server.output().contains("mail is not sent") {
        assert!(std::time::Instant::now() < deadline, "{}", server.output());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let told = server
        .output()
        .matches("no mail server is configured")
        .count();
    assert_eq!(told, 1, "{}", server.output());

    // A mail server that is named later gets what happens from then on; nothing is repeated, nor by a rebuild.
    let sink = SmtpSink::start();
    server.stop().await;
    std::fs::remove_dir_all(server.data().join("views")).unwrap();
    let mut server = server.with_options(|options| sink.configure(options));
    server.restart().await;
    let check = server.admin().await.get("smtp.check").await.ok();
    assert_eq!(check["isSMTPConfigured"], json!(true));
    sign_up(&server, "una", "una@example.org").await;
    sink.wait_for("una@example.org", "Welcome").await;
    assert_eq!(sink.mails().len(), 1, "{:?}", sink.mails());
}

#[tokio::test]
async fn a_node_that_is_new_does_not_mail_the_past() {
    let sink = SmtpSink::stopped();
    let mut server = Server::start().await;
    sign_up(&server, "vera", "vera@example.org").await;
    server.stop().await;
    std::fs::remove_dir_all(server.data().join("reactors")).unwrap();
    let mut sink = sink;
    sink.restart();
    let mut server = server.with_options(|options| sink.configure(options));
    server.restart().await;
    sign_up(&server, "will", "will@example.org").await;
    sink.wait_for("will@example.org", "Welcome").await;
    assert!(sink.to("vera@example.org", "").is_empty());
}

/// The code in the `number`th mail with one, once it is there.
async fn mailed_code(sink: &SmtpSink, number: usize) -> String {
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    loop {
        let codes: std::collections::BTreeSet<String> = sink
            .to("admin@example.org", "code to log in")
            .iter()
            .filter_map(|mail| {
                let position = mail.header("Message-ID");
                let code = mail.text.split("your code is ").nth(1)?.get(..6)?;
                Some(format!("{position} {code}"))
            })
            .collect();
        // Ids begin with the position, which has as many digits in so short a log.
        if let Some(line) = codes.iter().nth(number) {
            return line.split(' ').nth(1).unwrap().to_owned();
        }
        assert!(
            std::time::Instant::now() < deadline,
            "no code {number}: {codes:?}"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn codes_are_mailed_and_links_do_not_go_around_them() {
    let sink = SmtpSink::start();
    let server = sink
        .server()
        .env("TEST_MODE", "false")
        .env("OVERWRITE_SETTING_API_Enable_Rate_Limiter", "false")
        .env(
            "OVERWRITE_SETTING_Accounts_TwoFactorAuthentication_By_Email_Auto_Opt_In",
            "true",
        )
        .start()
        .await;
    let client = server.client();
    let form = json!({"user": ADMIN, "password": ADMIN_PASSWORD});
    let challenge = client.post("login", form.clone()).await.refused(401);
    assert_eq!(challenge["error"], "totp-required", "{challenge}");
    let code = mailed_code(&sink, 0).await;
    let mut answered = form.clone();
    answered["code"] = json!(code);
    client.post("login", answered.clone()).await.ok();
    client.post("login", answered).await.refused(401);

    let forgot = json!({"email": "admin@example.org"});
    client.post("users.forgotPassword", forgot).await.ok();
    let mail = sink.wait_for("admin@example.org", "new password").await;
    let token = reset_token(&mail);
    let asked = method(&client, "resetPassword", json!([token, "brand new"])).await;
    assert_eq!(asked["error"]["error"], "totp-required", "{asked}");
    let code = json!({"twoFactorCode": mailed_code(&sink, 1).await, "twoFactorMethod": "email"});
    let login = method(&client, "resetPassword", json!([token, "brand new", code])).await;
    assert!(login["result"]["token"].is_string(), "{login}");
}
