//! What a use case ends with when it did not do what was asked: a refusal, which is the asker's to mend, or a
//! [`Fault`], which is not. Nothing here knows a wire error; the doors word each of them once.

use domain::account_mail::AccountMailRefusal;
use domain::asset::AssetRefusal;
use domain::avatar::AvatarRefusal;
use domain::banner::BannerRefusal;
use domain::claim::NameTaken;
use domain::custom_status::CustomStatusRefusal;
use domain::decider::Never;
use domain::email_inbox::EmailInboxRefusal;
use domain::emoji::EmojiRefusal;
use domain::login_service::LoginServiceRefusal;
use domain::membership::MembershipRefusal;
use domain::message::{MessageRefusal, OutOfSync};
use domain::oauth_app::OAuthAppRefusal;
use domain::password::PolicyViolation;
use domain::permissions::{Grant, PermissionRefusal};
use domain::presence::ChoiceRefusal;
use domain::push::PushRefusal;
use domain::report::ReportRefusal;
use domain::role::RoleRefusal;
use domain::room::RoomRefusal;
use domain::second_factor::SecondFactorRefusal;
use domain::session::SessionRefusal;
use domain::setting::SettingRefusal;
use domain::sound::SoundRefusal;
use domain::user::{CustomFieldsRefusal, UserRefusal};
use domain::webdav::WebdavRefusal;
use eventstore::{AppendError, ExecuteError, ReadError};
use projections::{QueryError, WaitError};

use crate::files::pictures::PictureError;
use crate::files::store::FilesError;
use crate::identity::challenge::{Challenge, LoginRefusal};
use crate::identity::password_hasher::PasswordError;

/// Why a use case did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Rules about links and secrets that are mailed.
    #[error(transparent)]
    AccountMail(#[from] AccountMailRefusal),
    /// Rules about the workspace's own pictures.
    #[error(transparent)]
    Asset(#[from] AssetRefusal),
    /// Rules about pictures of users and rooms.
    #[error(transparent)]
    Avatar(#[from] AvatarRefusal),
    /// Rules about banners.
    #[error(transparent)]
    Banner(#[from] BannerRefusal),
    /// Something else has the name.
    #[error(transparent)]
    Claim(#[from] NameTaken),
    /// Rules about status texts that everybody can choose.
    #[error(transparent)]
    CustomStatus(#[from] CustomStatusRefusal),
    /// Rules about custom fields of accounts.
    #[error(transparent)]
    CustomFields(#[from] CustomFieldsRefusal),
    /// Rules about e-mail inboxes.
    #[error(transparent)]
    EmailInbox(#[from] EmailInboxRefusal),
    /// Rules about custom emoji.
    #[error(transparent)]
    Emoji(#[from] EmojiRefusal),
    /// Rules about login services.
    #[error(transparent)]
    LoginService(#[from] LoginServiceRefusal),
    /// Rules about memberships.
    #[error(transparent)]
    Membership(#[from] MembershipRefusal),
    /// Rules about messages.
    #[error(transparent)]
    Message(#[from] MessageRefusal),
    /// A send time that is too far from the server's.
    #[error(transparent)]
    OutOfSync(#[from] OutOfSync),
    /// Rules about programs that act for users.
    #[error(transparent)]
    OAuthApp(#[from] OAuthAppRefusal),
    /// The policy for passwords.
    #[error(transparent)]
    Password(#[from] PolicyViolation),
    /// Rules about which roles hold which permissions.
    #[error(transparent)]
    Permission(#[from] PermissionRefusal),
    /// Rules about the presence that people choose.
    #[error(transparent)]
    Presence(#[from] ChoiceRefusal),
    /// Rules about devices that want to be told of messages.
    #[error(transparent)]
    Push(#[from] PushRefusal),
    /// Rules about reports to the moderators.
    #[error(transparent)]
    Report(#[from] ReportRefusal),
    /// Rules about roles.
    #[error(transparent)]
    Role(#[from] RoleRefusal),
    /// Rules about rooms.
    #[error(transparent)]
    Room(#[from] RoomRefusal),
    /// Rules about setting up second factors.
    #[error(transparent)]
    SecondFactor(#[from] SecondFactorRefusal),
    /// Rules about login tokens.
    #[error(transparent)]
    Session(#[from] SessionRefusal),
    /// Rules about settings.
    #[error(transparent)]
    Setting(#[from] SettingRefusal),
    /// Rules about custom sounds.
    #[error(transparent)]
    Sound(#[from] SoundRefusal),
    /// Rules about accounts.
    #[error(transparent)]
    User(#[from] UserRefusal),
    /// Rules about accounts on WebDAV servers.
    #[error(transparent)]
    Webdav(#[from] WebdavRefusal),

    /// A picture that cannot be used, or not now.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// A login that failed.
    #[error(transparent)]
    Login(#[from] LoginRefusal),
    /// A second factor is asked for, or was wrong.
    #[error(transparent)]
    Challenged(#[from] Box<Challenge>),
    /// Anything else that a use case refuses itself.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Something broke that the asker cannot help.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// What use cases refuse because of what the views, this process or the outside know; the rules of the domain do not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Signing up with a name that somebody has.
    #[error("the user name is somebody else's")]
    UsernameInUse,
    /// Signing up with an address that somebody has.
    #[error("the address is somebody else's")]
    EmailInUse,
    /// A user name or address for somebody else, which is taken.
    #[error("{0:?} is taken")]
    FieldUnavailable(String),
    /// The name wanted for an account that is there belongs to somebody, or is none.
    #[error("the identity cannot be saved")]
    IdentityNotSaved,
    /// Nobody changes their profile here.
    #[error("profiles are not changed here")]
    ProfileChangeNotAllowed,
    /// There is no such account.
    #[error("there is no such user")]
    NoSuchUser,
    /// The password asked for is the one the account has.
    #[error("the password is the one the account has")]
    PasswordSameAsCurrent,
    /// The password asked for is one the account had lately.
    #[error("the password is one the account had")]
    PasswordInHistory,
    /// The same was changed too often lately.
    #[error("changed too often; again in {seconds} s")]
    TooManyChanges {
        /// How long to wait.
        seconds: u64,
    },
    /// The account does not have the address that a proof is to be mailed to.
    #[error("the address to verify is not the account's")]
    NotToVerify,
    /// The account does not have the address that a link to a new password is to be mailed to.
    #[error("the address to reset a password by is not the account's")]
    NotToReset,
    /// Mail cannot be sent to that domain.
    #[error("{0} takes no mail")]
    DomainTakesNoMail(String),
    /// Rooms would be left without owner.
    #[error("rooms would be left without owner")]
    LastOwner {
        /// Names of those that would go with their owner.
        removed: Vec<String>,
        /// Names of those that would get another owner.
        changed: Vec<String>,
    },
    /// Another room has the name.
    #[error("another room is called {name:?}")]
    RoomNameTaken {
        /// The name in question.
        name: String,
        /// The other room is archived.
        archived: bool,
    },
    /// A user has the name that a room is to have.
    #[error("a user is called {0:?}")]
    HandleTaken(String),
    /// Whoever is given a room's key is no member of it.
    #[error("no member of the room")]
    NoSubscription,
    /// A custom emoji has the name.
    #[error("another emoji has the name")]
    EmojiNameTaken,
    /// A custom sound has the name.
    #[error("another sound has the name")]
    SoundNameTaken,
    /// A status text that everybody can choose has the name.
    #[error("another status has the name")]
    StatusNameTaken,
    /// An inbox has the address.
    #[error("another inbox has the address")]
    InboxAddressTaken,
    /// The account on a WebDAV server is known already.
    #[error("the account is known")]
    WebdavAccountKnown,
    /// The caller may not give or take single permissions.
    #[error("may not give or take permissions")]
    GrantNotAllowed(Grant),
    /// There is no such permission to give or take.
    #[error("no such permission")]
    NothingToGrant(Grant),
}

/// What broke. The server's log says what it was; nobody else is told more than that something broke.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The log refused a unit of work for a reason of its own.
    #[error("log: {0}")]
    Log(Box<ExecuteError<Never>>),
    /// The log cannot be read.
    #[error("log: {0}")]
    Read(#[from] ReadError),
    /// The views do not answer.
    #[error("views: {0}")]
    Views(#[from] QueryError),
    /// What was asked for is recorded; the views do not show it yet.
    #[error("recorded, but not shown yet: {0}")]
    Wait(#[from] WaitError),
    /// Passwords cannot be checked or hashed.
    #[error("passwords: {0}")]
    Password(#[from] PasswordError),
    /// A file cannot be kept or fetched.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// A secret was sealed with another key than the server has.
    #[error("{what} was sealed with another key")]
    Sealed {
        /// What it belongs to.
        what: String,
    },
    /// Somebody else changed it this very moment; trying again finds out what is so now.
    #[error("it changed this very moment")]
    Overtaken,
    /// Something that cannot be, is.
    #[error("{0}")]
    Impossible(&'static str),
}

impl Fault {
    /// Whether trying again later may work.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Log(error) => match &**error {
                ExecuteError::Append(AppendError::Unavailable(_) | AppendError::Closed)
                | ExecuteError::Contention(_) => true,
                ExecuteError::Read(error) => can_be_read_later(error),
                _ => false,
            },
            Self::Read(error) => can_be_read_later(error),
            Self::Views(error) => !matches!(error, QueryError::Database(_)),
            Self::Password(error) => *error == PasswordError::Busy,
            Self::Wait(_) | Self::Overtaken => true,
            Self::Files(_) | Self::Sealed { .. } | Self::Impossible(_) => false,
        }
    }
}

fn can_be_read_later(error: &ReadError) -> bool {
    !matches!(error, ReadError::Damaged { .. })
}

impl Error {
    /// Whether it is the asker's to mend.
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::Fault(_) => false,
            Self::Picture(error) => {
                matches!(error, PictureError::Unreadable | PictureError::TooLarge)
            }
            _ => true,
        }
    }

    /// Whether trying again later may work.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Fault(fault) => fault.is_temporary(),
            Self::Picture(error) => *error == PictureError::Busy,
            _ => false,
        }
    }

    /// Whether it is not known that nothing was recorded: what was asked for may have happened all the same.
    pub fn may_have_happened(&self) -> bool {
        match self {
            Self::Fault(Fault::Log(error)) => !matches!(
                **error,
                ExecuteError::Append(
                    AppendError::EventTooLarge { .. } | AppendError::BatchTooLarge { .. }
                )
            ),
            Self::Fault(_) => true,
            _ => false,
        }
    }
}

impl From<Never> for Error {
    fn from(never: Never) -> Self {
        match never {}
    }
}

impl From<ExecuteError<Self>> for Error {
    fn from(error: ExecuteError<Self>) -> Self {
        match error.split() {
            Ok(refusal) => refusal,
            Err(failure) => Fault::Log(Box::new(failure)).into(),
        }
    }
}

macro_rules! faults {
    ($($source:ty),*) => {
        $(impl From<$source> for Error {
            fn from(error: $source) -> Self {
                Self::Fault(error.into())
            }
        })*
    };
}

faults!(ReadError, QueryError, WaitError, PasswordError, FilesError);
