//! What is mailed to whom, and on which occasion (contract, integrations 11).

use std::sync::Arc;

use application::outside::mail::Mailbox;
use domain::account_mail::{
    self, AccountMail, AccountMailEvent, EmailVerificationRequested, PasswordMailRequested,
    PasswordResetRequested, ResetReason, WelcomeMailRequested,
};
use domain::data_export::{DataExportCompleted, DataExportEvent};
use domain::e2e::KeyPairEvent;
use domain::room_export::RoomExportEvent;
use domain::second_factor::{EmailCodeIssued, SecondFactorEvent, email_code_purpose};
use domain::settings::{Key, Settings, keys};
use domain::site::Site;
use domain::user::{self, Account, EmailChanged, User, UserCreated, UserEvent, UserKind};
use domain::{Decider as _, Event, EventPayload as _, Sealed, StreamId, UserId};
use eventstore::vault::Vault;
use eventstore::{EventStore, ReadError, RecordedEvent, Version};
use futures::StreamExt as _;
use projections::{QueryError, Views};

use super::template::Values;

/// The settings for one kind of mail.
#[derive(Clone, Copy)]
struct Template {
    body: Key<str>,
    subject: Key<str>,
}

impl Template {
    const ENROLMENT: Self = Self {
        body: keys::ACCOUNTS_ENROLLMENT_EMAIL,
        subject: keys::ACCOUNTS_ENROLLMENT_EMAIL_SUBJECT,
    };
    const EMAIL_CHANGED: Self = Self {
        body: keys::EMAIL_CHANGED_EMAIL,
        subject: keys::EMAIL_CHANGED_EMAIL_SUBJECT,
    };
    const VERIFICATION: Self = Self {
        body: keys::VERIFICATION_EMAIL,
        subject: keys::VERIFICATION_EMAIL_SUBJECT,
    };
    const FORGOT_PASSWORD: Self = Self {
        body: keys::FORGOT_PASSWORD_EMAIL,
        subject: keys::FORGOT_PASSWORD_EMAIL_SUBJECT,
    };
    const USER_ADDED: Self = Self {
        body: keys::ACCOUNTS_USER_ADDED_EMAIL_EMAIL,
        subject: keys::ACCOUNTS_USER_ADDED_EMAIL_SUBJECT,
    };
    const PASSWORD_CHANGED: Self = Self {
        body: keys::PASSWORD_CHANGED_EMAIL,
        subject: keys::PASSWORD_CHANGED_EMAIL_SUBJECT,
    };
}

/// A mail whose placeholders are not filled in.
#[derive(Clone, Debug)]
pub(crate) struct Letter {
    pub(crate) to: Mailbox,
    /// With placeholders.
    pub(crate) subject: String,
    /// With placeholders.
    pub(crate) body: String,
    /// The values of the placeholders.
    pub(crate) values: Values,
}

/// Why it is not known what to mail.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    #[error(transparent)]
    Log(#[from] ReadError),
    #[error(transparent)]
    Views(#[from] QueryError),
    /// Trying again does not help.
    #[error("{0}")]
    Never(String),
}

/// What letters are made from.
pub(crate) struct Desk<'a> {
    pub(crate) log: &'a dyn EventStore,
    pub(crate) views: &'a Views,
    pub(crate) vault: &'a Vault,
    pub(crate) settings: Arc<Settings>,
}

/// Whether an event with this name may be an occasion; most are not, and need not be read.
pub(crate) fn may_matter(event_type: &str) -> bool {
    AccountMailEvent::knows(event_type)
        || matches!(
            event_type,
            "UserCreated"
                | "EmailChanged"
                | "UserActivated"
                | "UserDeactivated"
                | "DataExportCompleted"
                | "EmailCodeIssued"
                | "TotpDisabled"
                | "KeyPairReset"
                | "RoomExportCompleted"
                | "MessagesMailRequested"
        )
}

/// An account around one of its events.
struct Story {
    before: User,
    after: User,
    last: User,
    created: Option<UserCreated>,
    activated_before: bool,
}

impl Desk<'_> {
    /// The letters an event calls for.
    pub(crate) async fn letters(&self, recorded: &RecordedEvent) -> Result<Vec<Letter>, Trouble> {
        let event = recorded
            .decode::<Event>()
            .map_err(|error| Trouble::Never(error.to_string()))?;
        match event {
            Event::User(event) => self.about_account(recorded, &event).await,
            Event::AccountMail(event) => match event {
                AccountMailEvent::EmailVerificationRequested(event) => {
                    self.verification(&event).await
                }
                AccountMailEvent::PasswordResetRequested(event) => self.reset(&event).await,
                AccountMailEvent::WelcomeMailRequested(event) => self.welcome(&event).await,
                AccountMailEvent::PasswordMailRequested(event) => self.new_password(&event).await,
                AccountMailEvent::EmailVerified(_)
                | AccountMailEvent::PasswordResetCompleted(_)
                | AccountMailEvent::PasswordResetsVoided(_) => Ok(Vec::new()),
            },
            Event::DataExport(DataExportEvent::DataExportCompleted(event)) => {
                self.copy_ready(&event).await
            }
            Event::RoomExport(RoomExportEvent::RoomExportCompleted(event)) => {
                self.archive_ready(&event).await
            }
            Event::RoomExport(RoomExportEvent::MessagesMailRequested(event)) => {
                self.messages(&event).await
            }
            Event::SecondFactor(SecondFactorEvent::EmailCodeIssued(event)) => {
                self.code(&event).await
            }
            Event::SecondFactor(SecondFactorEvent::TotpDisabled(event))
                if event.reset && recorded.actor != event.user =>
            {
                self.taken_away(&event.user, "TOTP_reset").await
            }
            Event::KeyPair(KeyPairEvent::KeyPairReset(event)) if recorded.actor != event.user => {
                self.taken_away(&event.user, "E2E_key_reset").await
            }
            _ => Ok(Vec::new()),
        }
    }

    /// A code for a second factor, to every address it was meant for.
    async fn code(&self, event: &EmailCodeIssued) -> Result<Vec<Letter>, Trouble> {
        if event.expires.as_millis() <= super::now() {
            return Ok(Vec::new());
        }
        let Some(account) = self.account(&event.user).await? else {
            return Ok(Vec::new());
        };
        let code = self.open(&email_code_purpose(&event.user), &event.code)?;
        let letter = |address: &String| Letter {
            to: mailbox_of(&account, address),
            subject: "{Authentication_code_Subject}".to_owned(),
            body: "{Authentication_code_Email}".to_owned(),
            values: values(&account).with("code", code.as_str()),
        };
        Ok(event.to.iter().map(letter).collect())
    }

    /// Another user removed something that the owner of the account had set up.
    async fn taken_away(&self, user: &UserId, key: &str) -> Result<Vec<Letter>, Trouble> {
        let account = self.account(user).await?;
        Ok(account.map_or_else(Vec::new, |account| Self::notice(&account, key)))
    }

    /// A copy of a user's data is ready to be downloaded.
    async fn copy_ready(&self, event: &DataExportCompleted) -> Result<Vec<Letter>, Trouble> {
        let Some((account, to)) = self.reachable(&event.user).await? else {
            return Ok(Vec::new());
        };
        let url = self.link("data-export", &event.export);
        Ok(vec![Letter {
            values: values(&account).with("Download_Url", url),
            to,
            subject: "{UserDataDownload_Subject}".to_owned(),
            body: "{UserDataDownload_Email}".to_owned(),
        }])
    }

    async fn about_account(
        &self,
        recorded: &RecordedEvent,
        event: &UserEvent,
    ) -> Result<Vec<Letter>, Trouble> {
        let story = self.story(&recorded.stream, recorded.version).await?;
        // Users whose account was deleted meanwhile get no mail.
        let (User::Present(account), User::Present(_)) = (&story.after, &story.last) else {
            return Ok(Vec::new());
        };
        match event {
            UserEvent::UserCreated(created) if recorded.actor == created.user => {
                self.signed_up(created).await
            }
            UserEvent::EmailChanged(event) => {
                Ok(self.address_changed(&story.before, account, event))
            }
            UserEvent::UserActivated(_) => Ok(self.activated(&story, account)),
            UserEvent::UserDeactivated(event)
                if !event.idle
                    && self
                        .settings
                        .bool(keys::ACCOUNTS_SEND_EMAIL_WHEN_DEACTIVATING) =>
            {
                Ok(Self::notice(account, "Accounts_Email_Deactivated"))
            }
            _ => Ok(Vec::new()),
        }
    }

    /// A new account: a welcome, or a notice to those who approve accounts.
    async fn signed_up(&self, created: &UserCreated) -> Result<Vec<Letter>, Trouble> {
        if created.kind != UserKind::User {
            return Ok(Vec::new());
        }
        let address = created.emails.first().map(|email| email.address.clone());
        let name = created.name.clone().unwrap_or(created.username.clone());
        let values = Values::default()
            .named(&name)
            .with("username", created.username.as_str())
            .with("email", address.clone().unwrap_or_default());
        if created.active {
            let to = address.map(|address| Mailbox {
                name: Some(name),
                address,
            });
            let letters = to.map(|to| self.template(Template::ENROLMENT, "", to, values));
            return Ok(letters.into_iter().flatten().collect());
        }
        let body = match &created.reason {
            Some(_) => "{Accounts_Admin_Email_Approval_Needed_With_Reason_Default}",
            None => "{Accounts_Admin_Email_Approval_Needed_Default}",
        };
        let values = values.with("reason", created.reason.clone().unwrap_or_default());
        let letter = |to| Letter {
            to,
            subject: "{Accounts_Admin_Email_Approval_Needed_Subject_Default}".to_owned(),
            body: body.to_owned(),
            values: values.clone(),
        };
        Ok(self
            .administrators()
            .await?
            .into_iter()
            .map(letter)
            .collect())
    }

    async fn administrators(&self) -> Result<Vec<Mailbox>, Trouble> {
        let mut mailboxes = Vec::new();
        for id in self.views.active_admins().await? {
            let user = self.views.user(&id).await?;
            mailboxes.extend(user.and_then(|user| {
                Some(Mailbox {
                    name: user.name.clone(),
                    address: user.first_address()?.to_owned(),
                })
            }));
        }
        Ok(mailboxes)
    }

    /// The old address is told, because the change may not be its owner's.
    fn address_changed(
        &self,
        before: &User,
        account: &Account,
        event: &EmailChanged,
    ) -> Vec<Letter> {
        let User::Present(old) = before else {
            return Vec::new();
        };
        let new = event.emails.first().map(|email| email.address.as_str());
        let kept = |address: &str| {
            let same = |email: &user::Email| email.address.eq_ignore_ascii_case(address);
            event.emails.iter().any(same)
        };
        old.emails
            .iter()
            .filter(|email| !kept(&email.address))
            .filter_map(|email| {
                let values = values(account).with("email", new.unwrap_or_default());
                let to = mailbox_of(account, &email.address);
                self.template(Template::EMAIL_CHANGED, "", to, values)
            })
            .collect()
    }

    fn activated(&self, story: &Story, account: &Account) -> Vec<Letter> {
        if !self
            .settings
            .bool(keys::ACCOUNTS_SEND_EMAIL_WHEN_ACTIVATING)
        {
            return Vec::new();
        }
        let waited = story
            .created
            .as_ref()
            .is_some_and(|created| !created.active);
        let key = if waited && !story.activated_before {
            "Accounts_Email_Approved"
        } else {
            "Accounts_Email_Activated"
        };
        Self::notice(account, key)
    }

    async fn verification(
        &self,
        event: &EmailVerificationRequested,
    ) -> Result<Vec<Letter>, Trouble> {
        let links = self.links(&event.user).await?.verifications;
        let still_good = links.iter().any(|link| link.hash == event.token_hash);
        let Some(account) = self.account(&event.user).await?.filter(|_| still_good) else {
            return Ok(Vec::new());
        };
        let token = self.open(&account_mail::token_purpose(&event.user), &event.token)?;
        let values = values(&account)
            .with("email", event.address.as_str())
            .with("Verification_Url", self.link("verify-email", &token));
        let to = mailbox_of(&account, &event.address);
        Ok(self
            .template(Template::VERIFICATION, "", to, values)
            .into_iter()
            .collect())
    }

    async fn reset(&self, event: &PasswordResetRequested) -> Result<Vec<Letter>, Trouble> {
        let links = self.links(&event.user).await?.resets;
        let still_good = links.iter().any(|link| link.hash == event.token_hash);
        let Some(account) = self.account(&event.user).await?.filter(|_| still_good) else {
            return Ok(Vec::new());
        };
        let token = self.open(&account_mail::token_purpose(&event.user), &event.token)?;
        let values = values(&account)
            .with("email", event.address.as_str())
            .with("Forgot_Password_Url", self.link("reset-password", &token));
        let to = mailbox_of(&account, &event.address);
        let letter = match event.reason {
            ResetReason::Reset => self.template(Template::FORGOT_PASSWORD, "", to, values),
            ResetReason::Enrolment => {
                let more = "<p>{Choose_your_password}</p><p><a class=\"button\" href=\"[Forgot_Password_Url]\">{Choose_password}</a></p>";
                self.template(Template::USER_ADDED, more, to, values)
            }
        };
        Ok(letter.into_iter().collect())
    }

    async fn welcome(&self, event: &WelcomeMailRequested) -> Result<Vec<Letter>, Trouble> {
        let Some((account, to)) = self.reachable(&event.user).await? else {
            return Ok(Vec::new());
        };
        let values = values(&account).with("email", to.address.as_str());
        let template = Template::USER_ADDED;
        let letter = match &event.password {
            Some(password) => {
                let password = self.open(&account_mail::password_purpose(&event.user), password)?;
                let told = mentions(self.settings.text(template.body), "password");
                let more = if told {
                    ""
                } else {
                    "<p>{Your_first_password_is_password}</p>"
                };
                self.template(template, more, to, values.with("password", password))
            }
            None => self.template(template, "", to, values.with("password", "")),
        };
        Ok(letter.into_iter().collect())
    }

    async fn new_password(&self, event: &PasswordMailRequested) -> Result<Vec<Letter>, Trouble> {
        let Some((account, to)) = self.reachable(&event.user).await? else {
            return Ok(Vec::new());
        };
        let password = self.open(
            &account_mail::password_purpose(&event.user),
            &event.password,
        )?;
        let values = values(&account)
            .with("email", to.address.as_str())
            .with("password", password);
        Ok(self
            .template(Template::PASSWORD_CHANGED, "", to, values)
            .into_iter()
            .collect())
    }

    /// A mail from the settings; none if the body is empty. `more` is added to the body.
    fn template(
        &self,
        template: Template,
        more: &str,
        to: Mailbox,
        values: Values,
    ) -> Option<Letter> {
        let body = self.settings.text(template.body);
        if domain::text::is_blank(body) {
            return None;
        }
        Some(Letter {
            to,
            subject: self.settings.text(template.subject).to_owned(),
            body: format!("{body}{more}"),
            values,
        })
    }

    /// A mail with texts of our own, to the first address of an account.
    fn notice(account: &Account, key: &str) -> Vec<Letter> {
        let Some(email) = account.emails.first() else {
            return Vec::new();
        };
        vec![Letter {
            to: mailbox_of(account, &email.address),
            subject: format!("{{{key}_Subject}}"),
            body: format!("{{{key}}}"),
            values: values(account).with("email", email.address.as_str()),
        }]
    }

    pub(super) fn link(&self, page: &str, token: &str) -> String {
        Site::of(&self.settings).at(&format!("/{page}/{token}"))
    }

    fn open(&self, purpose: &str, sealed: &Sealed) -> Result<String, Trouble> {
        self.vault
            .open(purpose, sealed)
            .map_err(|locked| Trouble::Never(locked.to_string()))
    }

    /// The account as it is now, and its first address.
    pub(super) async fn reachable(
        &self,
        user: &UserId,
    ) -> Result<Option<(Account, Mailbox)>, Trouble> {
        let account = self.account(user).await?;
        Ok(account.and_then(|account| {
            let address = account.emails.first()?.address.clone();
            let to = mailbox_of(&account, &address);
            Some((account, to))
        }))
    }

    pub(super) async fn account(&self, user: &UserId) -> Result<Option<Account>, Trouble> {
        let story = self.story(&user::stream(user), Version::FIRST).await?;
        Ok(match story.last {
            User::Present(account) => Some(account),
            User::Absent | User::Deleted => None,
        })
    }

    /// Folds the account, also as it was before and after the event `at`.
    async fn story(&self, stream: &StreamId, at: Version) -> Result<Story, Trouble> {
        let mut story = Story {
            before: User::Absent,
            after: User::Absent,
            last: User::Absent,
            created: None,
            activated_before: false,
        };
        let mut chunks = self.log.read_stream(stream, Version::FIRST);
        while let Some(chunk) = chunks.next().await.transpose()? {
            for recorded in chunk.iter() {
                let Ok(event) = recorded.decode::<UserEvent>() else {
                    continue;
                };
                if recorded.version == at {
                    story.before = story.last.clone();
                }
                story.last = User::evolve(story.last, &event);
                if recorded.version == at {
                    story.after = story.last.clone();
                }
                match event {
                    UserEvent::UserCreated(created) => story.created = Some(created),
                    UserEvent::UserActivated(_) if recorded.version < at => {
                        story.activated_before = true;
                    }
                    _ => {}
                }
            }
        }
        Ok(story)
    }

    async fn links(&self, user: &UserId) -> Result<AccountMail, Trouble> {
        let mut state = AccountMail::default();
        let mut chunks = self
            .log
            .read_stream(&account_mail::stream(user), Version::FIRST);
        while let Some(chunk) = chunks.next().await.transpose()? {
            for recorded in chunk.iter() {
                if let Ok(event) = recorded.decode::<AccountMailEvent>() {
                    state = AccountMail::evolve(state, &event);
                }
            }
        }
        Ok(state)
    }
}

fn called(account: &Account) -> &str {
    account.profile.name.as_deref().unwrap_or(&account.username)
}

fn mailbox_of(account: &Account, address: &str) -> Mailbox {
    Mailbox {
        name: Some(called(account).to_owned()),
        address: address.to_owned(),
    }
}

pub(super) fn values(account: &Account) -> Values {
    Values::default()
        .named(called(account))
        .with("username", account.username.as_str())
}

/// Whether a template has a placeholder for a value.
fn mentions(template: &str, value: &str) -> bool {
    let template = template.to_lowercase();
    template.contains(&format!("[{value}]")) || template.contains(&format!("__{value}__"))
}
