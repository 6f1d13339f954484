//! The server does what its own description of the API says: a fuzzer reads the OpenAPI document and tries every
//! operation with valid and invalid input, a bounded number of times.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

use tests::server::Server;

/// Tries per operation.
const EXAMPLES: &str = "8";

/// Operations that would end the fuzzer's own login, or that reach out into the network.
const LEFT_OUT: &str = concat!(
    "/(logout|users\\.logout|users\\.deleteOwnAccount|users\\.resetTOTP|users\\.resetE2EKey|users\\.setAvatar",
    "|dns\\.resolve\\..*|oauth/.*)$"
);

#[tokio::test]
async fn the_server_does_what_its_description_says() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let before = admin.get("me").await.ok();
    let folder = tempfile::tempdir().unwrap();
    let output = tokio::process::Command::new(tests::tools::venv_program("st"))
        .current_dir(folder.path())
        .arg("run")
        .arg(format!("{}/api/v1/openapi.json", server.url()))
        .args(["--header", &format!("X-User-Id: {}", admin.user_id)])
        .args(["--header", &format!("X-Auth-Token: {}", admin.token)])
        .args([
            "--checks",
            "not_a_server_error,status_code_conformance,content_type_conformance,\
             response_headers_conformance,response_schema_conformance",
        ])
        .args(["--phases", "examples,fuzzing", "--seed", "1"])
        .args(["--max-examples", EXAMPLES, "--request-timeout", "20"])
        .args(["--suppress-health-check", "all", "--continue-on-failure"])
        .args(["--exclude-path-regex", LEFT_OUT])
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let after = admin.get("me").await.ok();
    assert_eq!(
        before["_id"], after["_id"],
        "the fuzzer was logged in all the time"
    );
}

#[tokio::test]
async fn the_description_can_be_read_by_people() {
    let server = Server::start().await;
    let http = tests::client::http_client();
    let document: serde_json::Value = http
        .get(format!("{}/api/v1/openapi.json", server.url()))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    let page = http
        .get(format!("{}/api-docs/", server.url()))
        .send()
        .await
        .unwrap();
    assert_eq!(page.status(), 200);
    assert_eq!(page.headers()["content-type"], "text/html");
    let script = http
        .get(format!("{}/api-docs/swagger-initializer.js", server.url()))
        .send()
        .await
        .unwrap();
    assert!(
        script
            .text()
            .await
            .unwrap()
            .contains("/api/v1/openapi.json")
    );
}
