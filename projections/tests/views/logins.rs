//! Tokens and second factors.

use crate::testing::t;
use domain::second_factor::{EmailFactorChanged, SecondFactorEvent, TotpDisabled, TotpEnabled};
use domain::session::{
    AllTokensRevoked, OtherSessionsEnded, PersonalTokenIssued, SecondFactorPassed, SessionEvent,
    TokenIssued,
};
use domain::{TokenHash, UserId};
use projections::{SecondFactorFacts, UserFacts};
use serde_json::Value;

use super::scene::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_of_two_kinds_and_logging_in_is_noted() {
    let scene = Scene::new().await;
    let bert = UserId::new("bert");
    let (session, granted, personal) = (
        TokenHash::new("session"),
        TokenHash::new("granted"),
        TokenHash::new("personal"),
    );
    let issue = |hash: &TokenHash, granted| {
        SessionEvent::from(TokenIssued {
            user: bert.clone(),
            hash: hash.clone(),
            granted,
            at: t(100),
        })
    };
    let bot = PersonalTokenIssued {
        user: bert.clone(),
        hash: personal.clone(),
        name: "bot".to_owned(),
        last_part: "abcdef".to_owned(),
        bypass_second_factor: true,
        at: t(101),
    };
    scene
        .say(
            100,
            [issue(&granted, true).into(), SessionEvent::from(bot).into()],
        )
        .await;
    let doc =
        |user: std::sync::Arc<UserFacts>| -> Value { serde_json::from_slice(&user.doc).unwrap() };
    let seen = doc(scene.views.user(&bert).await.unwrap().unwrap());
    assert!(seen.get("lastLogin").is_none(), "nobody logged in: {seen}");
    let passed = SecondFactorPassed {
        user: bert.clone(),
        hash: session.clone(),
        client: "here".to_owned(),
        at: t(103),
    };
    scene
        .say(
            102,
            [
                issue(&session, false).into(),
                SessionEvent::from(passed).into(),
            ],
        )
        .await;
    let seen = doc(scene.views.user(&bert).await.unwrap().unwrap());
    assert_eq!(seen["lastLogin"], "2023-11-14T22:13:20.100Z");
    let facts = scene.views.session(&session).await.unwrap().unwrap();
    assert_eq!(facts.proved, Some((t(103), "here".to_owned())));
    assert_eq!(facts.personal, None);
    let ended = OtherSessionsEnded {
        user: bert.clone(),
        except: session.clone(),
        at: t(104),
    };
    scene.say(104, [SessionEvent::from(ended).into()]).await;
    assert!(scene.views.session(&granted).await.unwrap().is_none());
    let tokens = scene.views.personal_tokens(&bert).await.unwrap();
    let names: Vec<_> = tokens
        .iter()
        .filter_map(|token| token.personal.as_ref().map(|token| token.name.as_str()))
        .collect();
    assert_eq!(names, ["bot"]);
    let all = AllTokensRevoked {
        user: bert.clone(),
        except: Some(session.clone()),
        at: t(105),
    };
    scene.say(105, [SessionEvent::from(all).into()]).await;
    assert!(scene.views.personal_tokens(&bert).await.unwrap().is_empty());
    assert!(scene.views.session(&session).await.unwrap().is_some());
    scene.views.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn second_factors_are_known() {
    let scene = Scene::new().await;
    let bert = UserId::new("bert");
    assert_eq!(
        scene.views.second_factors(&bert).await.unwrap(),
        SecondFactorFacts::default()
    );
    let email = EmailFactorChanged {
        user: bert.clone(),
        enabled: true,
        at: t(100),
    };
    let totp = TotpEnabled {
        user: bert.clone(),
        backup_codes: vec![],
        at: t(100),
    };
    scene
        .say(
            100,
            [
                SecondFactorEvent::from(email).into(),
                SecondFactorEvent::from(totp).into(),
            ],
        )
        .await;
    let both = SecondFactorFacts {
        totp: Some(true),
        email: Some(true),
    };
    assert_eq!(scene.views.second_factors(&bert).await.unwrap(), both);
    let off = TotpDisabled {
        user: bert.clone(),
        reset: true,
        at: t(101),
    };
    scene.say(101, [SecondFactorEvent::from(off).into()]).await;
    assert_eq!(
        scene.views.second_factors(&bert).await.unwrap().totp,
        Some(false)
    );
    scene.views.close().await;
}
