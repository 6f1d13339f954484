use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

use application::outside::mail::Mailer;
use domain::account_mail::{AccountMailEvent, EmailVerificationRequested, WelcomeMailRequested};
use domain::second_factor::{EmailCodeIssued, SecondFactorEvent, TotpDisabled};
use domain::setting::{SettingChanged, SettingEvent};
use domain::user::{Email, EmailChanged, UserActivated, UserCreated, UserEvent, UserKind};
use domain::{Event, RoleId, StreamId, Timestamp, TokenHash, UserId};
use eventstore::sqlite::SqliteLog;
use eventstore::vault::Vault;
use eventstore::{
    Batch, Cause, CorrelationId, EventStore, Expected, Filter, NewEvent, Position, StreamAppend,
};
use futures::StreamExt as _;
use projections::Views;
use serde_json::json;

use super::*;

/// Records what it is given and answers as it is told; accepts everything when it is told nothing.
#[derive(Default)]
struct Double {
    answers: Mutex<VecDeque<Result<(), SendError>>>,
    taken: Mutex<Vec<Mail>>,
    unconfigured: bool,
}

impl Mailer for Double {
    fn is_configured(&self) -> bool {
        !self.unconfigured
    }

    fn send<'a>(&'a self, mail: &'a Mail) -> BoxFuture<'a, Result<(), SendError>> {
        let answer = self.answers.lock().pop_front().unwrap_or(Ok(()));
        if answer.is_ok() {
            self.taken.lock().push(mail.clone());
        }
        Box::pin(std::future::ready(answer))
    }
}

struct Office {
    log: Arc<dyn EventStore>,
    reactor: MailReactor,
    double: Arc<Double>,
    vault: Vault,
    _folder: tempfile::TempDir,
}

async fn office(double: Double) -> Office {
    let folder = tempfile::tempdir().unwrap();
    let log: Arc<dyn EventStore> =
        Arc::new(SqliteLog::open(&folder.path().join("log.db")).unwrap());
    let views = open_views(folder.path(), &log);
    let (double, vault) = (Arc::new(double), Vault::new(&[3; 32]));
    let reactor = MailReactor::new(Context {
        log: log.clone(),
        views,
        vault: vault.clone(),
        mailer: double.clone(),
    });
    let office = Office {
        log,
        reactor,
        double,
        vault,
        _folder: folder,
    };
    office
        .set("Site_Url", json!("https://chat.example.org"))
        .await;
    office
}

fn open_views(folder: &Path, log: &Arc<dyn EventStore>) -> Views {
    Views::open(&folder.join("views"), log.clone()).unwrap()
}

fn ada() -> UserId {
    UserId::new("ada")
}

impl Office {
    async fn record(&self, actor: &UserId, stream: StreamId, event: impl Into<Event>) -> Position {
        let append = StreamAppend {
            stream,
            expected: Expected::Any,
            events: vec![NewEvent::encode(&event.into()).unwrap()],
        };
        let cause = Cause {
            actor: actor.clone(),
            correlation_id: CorrelationId::fresh(),
            causation_id: None,
        };
        let batch = Batch {
            cause,
            appends: vec![append],
        };
        self.log.append(batch).await.unwrap().last
    }

    async fn set(&self, id: &str, value: serde_json::Value) {
        let event = SettingEvent::from(SettingChanged {
            setting: id.to_owned(),
            value,
            sealed: None,
            editor: None,
            from_environment: false,
            at: Timestamp::from_millis(1),
        });
        self.record(&UserId::system(), domain::setting::stream(id), event)
            .await;
    }

    async fn user(&self, event: impl Into<UserEvent>, actor: &UserId) -> Position {
        let event: UserEvent = event.into();
        self.record(actor, domain::user::stream(&ada()), event)
            .await
    }

    async fn mail(&self, event: impl Into<AccountMailEvent>) -> Position {
        let event: AccountMailEvent = event.into();
        let stream = domain::account_mail::stream(&ada());
        self.record(&ada(), stream, event).await
    }

    async fn react(&self, position: Position, attempt: u32) -> Verdict {
        let before = Position::new(position.get() - 1);
        let mut chunks = self.log.read_all(before, Filter::default());
        let chunk = chunks.next().await.unwrap().unwrap();
        let key = OutboxKey {
            reactor: "mail",
            position,
        };
        self.reactor.react(&chunk[0], key, attempt).await
    }

    fn taken(&self) -> Vec<Mail> {
        self.double.taken.lock().clone()
    }
}

fn created(active: bool) -> UserCreated {
    UserCreated {
        user: ada(),
        kind: UserKind::User,
        username: "ada".to_owned(),
        name: Some("Ada <Lovelace>".to_owned()),
        emails: vec![email("ada@example.org")],
        password: None,
        roles: vec![RoleId::new("user")],
        active,
        require_password_change: false,
        reason: Some("I like <it>".to_owned()),
        custom_fields: None,
        bio: None,
        nickname: None,
        at: Timestamp::from_millis(1),
    }
}

fn email(address: &str) -> Email {
    Email {
        address: address.to_owned(),
        verified: false,
    }
}

fn verification(office: &Office) -> EmailVerificationRequested {
    EmailVerificationRequested {
        user: ada(),
        address: "ada@example.org".to_owned(),
        token: office.vault.seal("mail-token/ada", "the-token"),
        token_hash: TokenHash::new("hash"),
        at: Timestamp::from_millis(1),
    }
}

#[tokio::test]
async fn whoever_signs_up_is_welcomed_and_whoever_is_made_is_not() {
    let office = office(Double::default()).await;
    let position = office.user(created(true), &UserId::new("admin")).await;
    assert_eq!(office.react(position, 1).await, Verdict::Ignore);
    let position = office.user(created(true), &ada()).await;
    assert_eq!(office.react(position, 1).await, Verdict::Done);
    let [mail] = &office.taken()[..] else {
        panic!("one mail: {:?}", office.taken());
    };
    assert_eq!(mail.subject, "Welcome to Rocket.Chat");
    assert_eq!(mail.to.address, "ada@example.org");
    assert_eq!(mail.from.address, "no-reply@chat.example.org");
    assert!(
        mail.text.contains("https://chat.example.org"),
        "{}",
        mail.text
    );
}

#[tokio::test]
async fn a_verification_mail_has_its_link_and_always_the_same_id() {
    let office = office(Double::default()).await;
    office.user(created(true), &ada()).await;
    let position = office.mail(verification(&office)).await;
    assert_eq!(office.react(position, 1).await, Verdict::Done);
    assert_eq!(
        office.react(position, 1).await,
        Verdict::Done,
        "after a crash"
    );
    let [first, second] = &office.taken()[..] else {
        panic!("two mails: {:?}", office.taken());
    };
    assert_eq!(first.message_id, second.message_id);
    assert!(first.message_id.starts_with(&format!("mail-{position}.")));
    let link = "https://chat.example.org/verify-email/the-token";
    assert!(first.text.contains(link), "{}", first.text);
    let html = first.html.as_deref().unwrap();
    assert!(
        html.contains("&lt;Lovelace&gt;") && !html.contains("<Lovelace>"),
        "{html}"
    );
}

#[tokio::test]
async fn a_used_link_is_not_mailed() {
    let office = office(Double::default()).await;
    office.user(created(true), &ada()).await;
    let position = office.mail(verification(&office)).await;
    let verified = domain::account_mail::EmailVerified {
        user: ada(),
        address: "ada@example.org".to_owned(),
        token_hash: TokenHash::new("hash"),
        at: Timestamp::from_millis(2),
    };
    office.mail(verified).await;
    assert_eq!(office.react(position, 1).await, Verdict::Ignore);
}

#[tokio::test]
async fn the_old_address_hears_of_the_new_one() {
    let office = office(Double::default()).await;
    office.user(created(true), &ada()).await;
    let changed = |address: &str| EmailChanged {
        user: ada(),
        emails: vec![email(address)],
        at: Timestamp::from_millis(2),
    };
    let moved = office.user(changed("new@example.org"), &ada()).await;
    let same = office.user(changed("NEW@example.org"), &ada()).await;
    assert_eq!(office.react(moved, 1).await, Verdict::Done);
    assert_eq!(office.react(same, 1).await, Verdict::Ignore);
    let [mail] = &office.taken()[..] else {
        panic!("one mail: {:?}", office.taken());
    };
    assert_eq!(mail.to.address, "ada@example.org");
    assert!(mail.text.contains("new@example.org"), "{}", mail.text);
}

#[tokio::test]
async fn those_who_approve_are_asked_and_the_approved_are_told() {
    let office = office(Double::default()).await;
    let admin = UserCreated {
        user: UserId::new("boss"),
        username: "boss".to_owned(),
        emails: vec![email("boss@example.org")],
        roles: vec![RoleId::new("admin")],
        ..created(true)
    };
    let stream = domain::user::stream(&admin.user);
    office
        .record(&UserId::system(), stream, UserEvent::from(admin))
        .await;
    let waiting = office.user(created(false), &ada()).await;
    assert_eq!(office.react(waiting, 1).await, Verdict::Done);
    let activated = UserActivated {
        user: ada(),
        at: Timestamp::from_millis(3),
    };
    let approved = office.user(activated, &UserId::new("boss")).await;
    assert_eq!(office.react(approved, 1).await, Verdict::Done);
    let [asked, told] = &office.taken()[..] else {
        panic!("two mails: {:?}", office.taken());
    };
    assert_eq!(asked.to.address, "boss@example.org");
    assert!(asked.text.contains("I like <it>"), "{}", asked.text);
    assert!(asked.html.as_deref().unwrap().contains("I like &lt;it&gt;"));
    assert_eq!(told.to.address, "ada@example.org");
    assert!(told.subject.contains("approved"), "{}", told.subject);
}

#[tokio::test]
async fn a_mailed_password_stands_in_the_mail_alone() {
    let office = office(Double::default()).await;
    office.user(created(true), &UserId::new("admin")).await;
    let welcome = WelcomeMailRequested {
        user: ada(),
        password: Some(office.vault.seal("mail-password/ada", "s3cret <&>")),
        at: Timestamp::from_millis(2),
    };
    let position = office.mail(welcome).await;
    assert_eq!(office.react(position, 1).await, Verdict::Done);
    assert!(office.taken()[0].text.contains("s3cret <&>"));
}

#[tokio::test]
async fn a_code_goes_to_every_address_while_it_is_good() {
    let office = office(Double::default()).await;
    office.user(created(true), &UserId::new("admin")).await;
    let issued = |expires: i64| EmailCodeIssued {
        user: ada(),
        id: "code".to_owned(),
        code: office.vault.seal("email-code/ada", "123456"),
        to: vec!["one@example.org".to_owned(), "two@example.org".to_owned()],
        expires: Timestamp::from_millis(expires),
        at: Timestamp::from_millis(1),
    };
    let record = async |expires| {
        let event = SecondFactorEvent::from(issued(expires));
        let stream = StreamId::from_recorded("factor-ada");
        office.record(&ada(), stream, event).await
    };
    let late = record(super::now() - 1).await;
    assert_eq!(office.react(late, 1).await, Verdict::Ignore);
    let position = record(super::now() + 60_000).await;
    // The second address is put off; the first does not get its code again for that.
    let mut answers = VecDeque::from([Ok(()), Err(SendError::Deferred { code: 451 })]);
    office.double.answers.lock().append(&mut answers);
    assert!(matches!(office.react(position, 1).await, Verdict::Later(_)));
    assert_eq!(office.react(position, 2).await, Verdict::Done);
    let taken = office.taken();
    let to: Vec<&str> = taken.iter().map(|mail| mail.to.address.as_str()).collect();
    assert_eq!(to, ["one@example.org", "two@example.org"]);
    assert!(taken[0].text.contains("123456"), "{}", taken[0].text);
}

#[tokio::test]
async fn whoever_loses_a_second_factor_to_somebody_else_is_told() {
    let office = office(Double::default()).await;
    office.user(created(true), &UserId::new("admin")).await;
    let disable = async |actor: &UserId, reset| {
        let event = SecondFactorEvent::from(TotpDisabled {
            user: ada(),
            reset,
            at: Timestamp::from_millis(2),
        });
        let stream = StreamId::from_recorded("factor-ada");
        let position = office.record(actor, stream, event).await;
        office.react(position, 1).await
    };
    assert_eq!(disable(&ada(), true).await, Verdict::Ignore);
    assert_eq!(disable(&UserId::new("admin"), true).await, Verdict::Done);
    assert!(
        office.taken()[0]
            .subject
            .contains("second factor was removed")
    );
}

#[tokio::test]
async fn what_cannot_be_sent_is_put_off_retried_or_dropped() {
    let office = office(Double::default()).await;
    office.user(created(true), &ada()).await;
    let position = office.mail(verification(&office)).await;
    let next = |answer| office.double.answers.lock().push_back(Err(answer));
    next(SendError::Deferred { code: 451 });
    assert_eq!(
        office.react(position, 1).await,
        Verdict::Later(Duration::from_secs(2))
    );
    next(SendError::Deferred { code: 451 });
    assert_eq!(
        office.react(position, 30).await,
        Verdict::Later(Duration::from_mins(10))
    );
    next(SendError::Deferred { code: 451 });
    assert_eq!(office.react(position, 50).await, Verdict::Done, "given up");
    next(SendError::Unreachable("down".to_owned()));
    assert_eq!(
        office.react(position, 4).await,
        Verdict::Retry(Duration::from_secs(8))
    );
    next(SendError::Refused { code: 550 });
    assert_eq!(office.react(position, 1).await, Verdict::Done);
    assert!(office.taken().is_empty());
}

#[tokio::test]
async fn without_a_server_mail_is_dropped_and_told_once() {
    let office = office(Double {
        unconfigured: true,
        ..Double::default()
    })
    .await;
    let position = office.user(created(true), &ada()).await;
    assert_eq!(office.react(position, 1).await, Verdict::Done);
    assert!(office.reactor.told_unconfigured.load(Ordering::Relaxed));
}

#[tokio::test]
async fn plain_text_is_all_where_that_is_wanted() {
    let office = office(Double::default()).await;
    office.set("email_plain_text_only", json!(true)).await;
    office.set("From_Email", json!("chat@example.org")).await;
    office
        .set(
            "Accounts_Enrollment_Email_Subject",
            json!("Hi [fname]\r\nBcc: x"),
        )
        .await;
    let position = office.user(created(true), &ada()).await;
    assert_eq!(office.react(position, 1).await, Verdict::Done);
    let mail = &office.taken()[0];
    assert_eq!(mail.html, None);
    assert_eq!(mail.from.address, "chat@example.org");
    assert_eq!(mail.subject, "Hi Ada Bcc: x");
}
