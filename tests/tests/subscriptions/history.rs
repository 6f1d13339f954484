//! Positions of another history: of a log that was restored, and of a subscription that ended.

use reqwest::Method;
use serde_json::{Value, json};
use tests::backup::Backup;
use tests::client::{Answer, Client};
use tests::on_both_logs;
use tests::server::ServerOptions;

use crate::{Batch, batch, door, end, listed, poll, say, subscribe};

on_both_logs!(
    what_a_lost_history_handed_out_is_acknowledged_in_no_other,
    a_subscription_that_began_anew_takes_no_receipt_of_the_former,
);

/// Acknowledges the whole of an answer in both ways there are.
async fn both_ways(client: &Client, part: &Batch) -> [Answer; 2] {
    let Batch {
        position, receipt, ..
    } = part;
    let asking = format!("acknowledge={position}&receipt={receipt}");
    let body = json!({"position": position, "receipt": receipt}).to_string();
    let path = format!("{}/acknowledge", door("all"));
    let body = Some(("application/json", body));
    [
        client.send(Method::POST, &path, body).await,
        poll(client, "all", &asking).await,
    ]
}

async fn refused_as_of_another_history(client: &Client, part: &Batch) {
    let before = listed(client, "all").await.unwrap()["checkpoint"].clone();
    for answer in both_ways(client, part).await {
        assert_eq!(answer.refused(400)["errorType"], "error-other-history");
    }
    let after = listed(client, "all").await.unwrap()["checkpoint"].clone();
    assert_eq!(after, before, "nothing was acknowledged");
}

/// Nothing is wrong but that reactors have stopped, as they do when a log was restored.
fn serves(readiness: &Value) -> bool {
    let mut reasons = readiness["reasons"].as_array().unwrap().iter();
    reasons.all(|reason| reason.as_str().unwrap().starts_with("reactor "))
}

async fn what_a_lost_history_handed_out_is_acknowledged_in_no_other(options: ServerOptions) {
    let mut server = options.start().await;
    let admin = server.admin().await;
    let question = json!({"type": "MessagePosted"});
    subscribe(&admin, "all", question).await.ok();
    say(&admin, "GENERAL", "kept").await;
    let kept = batch(&admin, "all", "").await;
    server.stop().await;
    let backup = Backup::take(&server).await;
    server.restart().await;
    let admin = server.admin().await;
    // Handed out after the backup, of what is in it: the history that is restored does not know.
    let again = batch(&admin, "all", "").await;
    for number in 0..3 {
        say(&admin, "GENERAL", &format!("lost {number}")).await;
    }
    let lost = batch(&admin, "all", "").await;
    server.stop().await;
    backup.restore(&server).await;
    server.launch();
    server.until_readiness(serves).await;

    let admin = server.admin().await;
    refused_as_of_another_history(&admin, &lost).await;
    refused_as_of_another_history(&admin, &again).await;
    for number in 0..10 {
        say(&admin, "GENERAL", &format!("instead {number}")).await;
    }
    let instead = batch(&admin, "all", "").await;
    assert!(instead.position > lost.position, "the numbers are taken");
    refused_as_of_another_history(&admin, &lost).await;
    for part in [&kept, &instead] {
        for answer in both_ways(&admin, part).await {
            answer.ok();
        }
    }
}

async fn a_subscription_that_began_anew_takes_no_receipt_of_the_former(options: ServerOptions) {
    let server = options.start().await;
    let admin = server.admin().await;
    let question = json!({"type": "MessagePosted"});
    subscribe(&admin, "all", question.clone()).await.ok();
    say(&admin, "GENERAL", "one").await;
    let former = batch(&admin, "all", "").await;
    end(&admin, "all").await.ok();
    subscribe(&admin, "all", question).await.ok();
    let latter = batch(&admin, "all", "").await;
    assert!(latter.position >= former.position, "handed out again");
    refused_as_of_another_history(&admin, &former).await;
    for answer in both_ways(&admin, &latter).await {
        answer.ok();
    }
}
