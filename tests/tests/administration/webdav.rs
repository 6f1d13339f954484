//! Accounts on WebDAV servers, and the files there, against a real server.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tests::client::Client;
use tests::live::Live;
use tests::on_both_logs;
use tests::pictures;
use tests::server::ServerOptions;
use tests::webdav::{LOGIN, WebdavServer};

use crate::calls::{method, refusal, result};

on_both_logs![accounts_are_kept_without_their_passwords];

fn options() -> ServerOptions {
    with_webdav(ServerOptions::default())
}

fn with_webdav(options: ServerOptions) -> ServerOptions {
    options
        .env("OVERWRITE_SETTING_Webdav_Integration_Enabled", "true")
        .env("FETCH_ALLOW", "127.0.0.1")
}

fn account(dav: &WebdavServer) -> Value {
    json!([{"serverURL": dav.url(), "username": LOGIN.0, "password": LOGIN.1, "name": "files"}])
}

async fn added(client: &Client, dav: &WebdavServer) -> Value {
    assert_eq!(result(client, "addWebdavAccount", account(dav)).await, true);
    let accounts = client.get("webdav.getMyAccounts").await.ok();
    accounts["accounts"][0]["_id"].clone()
}

async fn accounts_are_kept_without_their_passwords(wanted: ServerOptions) {
    let server = with_webdav(wanted).start().await;
    let dav = WebdavServer::start();
    let admin = server.admin().await;
    let (ann, bob) = (admin.new_user("ann").await, admin.new_user("bob").await);
    let mut live = Live::connect(&server, &ann, None).await;
    live.send(&json!({"subscribe": {"rooms": [], "self": true}}))
        .await;
    live.answer("subscribed").await;
    let id = added(&ann, &dav).await;
    let told = live.next_update(std::time::Duration::from_secs(20)).await;
    let told = told.expect("an update");
    assert_eq!(told["kind"], "webdav-account-added");
    assert_eq!(
        told["data"],
        json!({"_id": id, "serverURL": dav.url(), "username": "ann", "name": "files"})
    );
    assert_eq!(
        refusal(&ann, "addWebdavAccount", account(&dav)).await,
        "duplicated-account"
    );
    let mine = ann.get("webdav.getMyAccounts").await.ok();
    assert_eq!(
        mine["accounts"],
        json!([{"_id": id, "serverURL": dav.url(), "username": "ann", "name": "files"}])
    );
    assert_eq!(
        bob.get("webdav.getMyAccounts").await.ok()["accounts"],
        json!([])
    );
    for name in [
        "removeWebdavAccount",
        "getWebdavFileList",
        "getFileFromWebdav",
        "getWebdavFilePreview",
        "uploadFileToWebdav",
    ] {
        let params = match name {
            "uploadFileToWebdav" => json!([id, {"$binary": "AQI="}, "a"]),
            _ => json!([id, "/"]),
        };
        assert_eq!(
            refusal(&bob, name, params).await,
            "error-invalid-account",
            "{name}"
        );
    }
    assert_eq!(result(&ann, "removeWebdavAccount", json!([id])).await, true);
    let left = ann.get("webdav.getMyAccounts").await.ok();
    assert_eq!(left["accounts"], json!([]));
    server
        .client()
        .get("webdav.getMyAccounts")
        .await
        .refused(401);
}

#[tokio::test]
async fn only_accounts_that_work_are_kept() {
    let dav = WebdavServer::start();
    let server = options().start().await;
    let ann = server.admin().await.new_user("ann").await;
    let with = |field: &str, value: &str| {
        let mut wish = account(&dav);
        wish[0][field] = json!(value);
        wish
    };
    for wish in [
        with("password", "wrong"),
        with("username", "bob"),
        with("serverURL", "file:///etc"),
        with("serverURL", "http://10.0.0.1/dav"),
        with("serverURL", "http://127.0.0.1:1/dav"),
        with("serverURL", &server.url()),
        with("serverURL", &format!("{}/nothing/", dav.url())),
        with("serverURL", &dav.url().replace("http://", "http://ann:x@")),
    ] {
        assert_eq!(
            refusal(&ann, "addWebdavAccount", wish.clone()).await,
            "could-not-access-webdav",
            "{wish}"
        );
    }
    let token = json!([{"serverURL": dav.url(), "token": {"access_token": "t0ken"}}]);
    assert_eq!(
        refusal(&ann, "addWebdavAccountByToken", token).await,
        "could-not-access-webdav",
        "this server knows no tokens"
    );
    let missing = method(&ann, "addWebdavAccount", json!([{"serverURL": dav.url()}])).await;
    assert!(missing.get("error").is_some());
    let mine = ann.get("webdav.getMyAccounts").await.ok();
    assert_eq!(mine["accounts"], json!([]), "none was kept");
}

#[tokio::test]
async fn files_are_listed_read_and_written() {
    let dav = WebdavServer::start();
    let server = options().start().await;
    let ann = server.admin().await.new_user("ann").await;
    let id = added(&ann, &dav).await;
    std::fs::create_dir(dav.file("a folder")).unwrap();
    std::fs::write(dav.file("a folder/50% & more.txt"), "hello").unwrap();
    let picture = pictures::png(40, 20);
    std::fs::write(dav.file("picture.png"), &picture).unwrap();

    let list = result(&ann, "getWebdavFileList", json!([id, "/"])).await;
    assert_eq!(list["success"], true);
    let mut names: Vec<(String, String)> = list["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            let text = |name: &str| entry[name].as_str().unwrap().to_owned();
            (text("filename"), text("type"))
        })
        .collect();
    names.sort();
    let text = |text: &str| text.to_owned();
    assert_eq!(
        names,
        [
            (text("/a folder"), text("directory")),
            (text("/picture.png"), text("file"))
        ]
    );
    let inner = result(&ann, "getWebdavFileList", json!([id, "/a folder"])).await;
    let file = &inner["data"][0];
    assert_eq!(file["filename"], "/a folder/50% & more.txt");
    assert_eq!(file["basename"], "50% & more.txt");
    assert_eq!((&file["size"], &file["type"]), (&json!(5), &json!("file")));
    assert!(file["lastmod"].as_str().unwrap().ends_with("GMT"));
    assert!(file["etag"].is_string());
    assert!(file["mime"].as_str().unwrap().starts_with("text/plain"));

    for asked in [file.clone(), file["filename"].clone()] {
        let read = result(&ann, "getFileFromWebdav", json!([id, asked])).await;
        assert_eq!(
            read,
            json!({"success": true, "data": {"$binary": STANDARD.encode("hello")}})
        );
    }
    let preview = result(&ann, "getWebdavFilePreview", json!([id, "/picture.png"])).await;
    let small = STANDARD
        .decode(preview["data"]["$binary"].as_str().unwrap())
        .unwrap();
    let (width, height, _) = pictures::measure(&small);
    assert_eq!((width, height), (64, 64));
    let none = json!([id, "/a folder/50% & more.txt"]);
    assert_eq!(
        refusal(&ann, "getWebdavFilePreview", none).await,
        "error-preview-not-available"
    );

    let bytes: Vec<u8> = (0..=255).collect();
    let upload = json!([id, {"$binary": STANDARD.encode(&bytes)}, "alle Bytes #1.bin"]);
    let written = result(&ann, "uploadFileToWebdav", upload.clone()).await;
    assert_eq!(written, json!({"success": true}));
    let kept = std::fs::read(dav.file("Chat Uploads/alle Bytes #1.bin")).unwrap();
    assert_eq!(kept, bytes);
    let again = result(&ann, "uploadFileToWebdav", upload).await;
    assert_eq!(
        again,
        json!({"success": false, "message": "Duplicate_file_name_found"})
    );
    for name in ["../evil", "", "a/b"] {
        let upload = json!([id, {"$binary": "AQI="}, name]);
        assert_eq!(
            refusal(&ann, "uploadFileToWebdav", upload).await,
            "error-invalid-file-name"
        );
    }
    for folder in ["/", "", "/a folder/"] {
        assert_eq!(
            refusal(&ann, "getFileFromWebdav", json!([id, folder])).await,
            "could-not-access-webdav",
            "a folder has no bytes"
        );
    }
    for name in ["getWebdavFileList", "getFileFromWebdav"] {
        for path in ["/nothing", "/../..", "/a folder/../../x"] {
            assert_eq!(
                refusal(&ann, name, json!([id, path])).await,
                "could-not-access-webdav",
                "{name} {path}"
            );
        }
    }
}

#[tokio::test]
async fn large_files_and_servers_that_are_down_are_told() {
    let dav = WebdavServer::start();
    let server = options()
        .env("OVERWRITE_SETTING_FileUpload_MaxFileSize", "1000")
        .start()
        .await;
    let admin = server.admin().await;
    let ann = admin.new_user("ann").await;
    let id = added(&ann, &dav).await;
    std::fs::write(dav.file("large"), vec![7; 1001]).unwrap();
    std::fs::write(dav.file("fits"), vec![7; 1000]).unwrap();
    result(&ann, "getFileFromWebdav", json!([id, "/fits"])).await;
    assert_eq!(
        refusal(&ann, "getFileFromWebdav", json!([id, "/large"])).await,
        "error-file-too-large"
    );
    let upload = json!([id, {"$binary": STANDARD.encode(vec![7; 1001])}, "x"]);
    assert_eq!(
        refusal(&ann, "uploadFileToWebdav", upload).await,
        "error-file-too-large"
    );
    drop(dav);
    assert_eq!(
        refusal(&ann, "getWebdavFileList", json!([id, "/"])).await,
        "could-not-access-webdav"
    );
    let off = json!({"value": false});
    admin
        .post("settings/Webdav_Integration_Enabled", off)
        .await
        .ok();
    for name in [
        "addWebdavAccount",
        "addWebdavAccountByToken",
        "removeWebdavAccount",
        "getWebdavFileList",
        "getFileFromWebdav",
        "getWebdavFilePreview",
        "uploadFileToWebdav",
    ] {
        let params = match name {
            "uploadFileToWebdav" => json!([id, {"$binary": "AQI="}, "a"]),
            "addWebdavAccount" => {
                json!([{"serverURL": "https://x", "username": "a", "password": "b"}])
            }
            "addWebdavAccountByToken" => json!([{"serverURL": "https://x", "token": "b"}]),
            _ => json!([id, "/"]),
        };
        assert_eq!(
            refusal(&ann, name, params).await,
            "error-not-allowed",
            "{name}"
        );
    }
}
