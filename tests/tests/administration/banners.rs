//! Banners: a community server has none.

use serde_json::json;
use tests::server::Server;

#[tokio::test]
async fn there_is_nothing_to_announce() {
    let server = Server::start().await;
    let admin = server.admin().await;
    for path in ["banners", "banners.getNew", "banners/anything"] {
        let answer = admin.get(&format!("{path}?platform=web")).await.ok();
        assert_eq!(answer["banners"], json!([]), "{path}");
        for wrong in ["", "?platform=pigeon"] {
            let answer = admin.get(&format!("{path}{wrong}")).await.refused(400);
            assert!(
                answer["error"].as_str().unwrap().starts_with("Match error"),
                "{path}{wrong}"
            );
        }
        server
            .client()
            .get(&format!("{path}?platform=web"))
            .await
            .refused(401);
    }
    let dismissed = json!({"bannerId": "anything"});
    let answer = admin.post("banners.dismiss", dismissed).await.refused(400);
    assert_eq!(
        answer,
        json!({"success": false, "error": "Banner not found"})
    );
    let answer = admin.post("banners.dismiss", json!({})).await.refused(400);
    assert!(answer["error"].as_str().unwrap().starts_with("Match error"));
}
