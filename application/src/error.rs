//! What a use case ends with if it did not do what was asked: a refusal, which the caller can do something about, or a
//! [`Fault`], which they cannot. Nothing here knows a wire error; the doors word each of them once.

#![allow(missing_docs, reason = "fields and variants say what they are")]

use std::borrow::Cow;

use domain::account_mail::AccountMailRefusal;
use domain::asset::AssetRefusal;
use domain::avatar::AvatarRefusal;
use domain::banner::BannerRefusal;
use domain::claim::NameTaken;
use domain::custom_status::CustomStatusRefusal;
use domain::decider::Never;
use domain::email_inbox::EmailInboxRefusal;
use domain::emoji::EmojiRefusal;
use domain::invite::InviteRefusal;
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
use domain::room_export::RoomExportRefusal;
use domain::second_factor::SecondFactorRefusal;
use domain::session::SessionRefusal;
use domain::setting::SettingRefusal;
use domain::sound::SoundRefusal;
use domain::subscription::SubscriptionRefusal;
use domain::user::{CustomFieldsRefusal, UserRefusal};
use domain::webdav::WebdavRefusal;
use eventstore::{AppendError, ExecuteError, ReadError};
use projections::{QueryError, SearchError, ViewsError, WaitError};

use crate::chat::search_refusal::SearchRefusal;
use crate::files::pictures::PictureError;
use crate::files::store::FilesError;
use crate::identity::challenge::{Challenge, LoginRefusal};
use crate::identity::password_hasher::PasswordError;
use crate::record::export::FolderError;
use crate::record::question::NotUnderstood;

/// Why a use case did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    AccountMail(#[from] AccountMailRefusal),
    #[error(transparent)]
    Asset(#[from] AssetRefusal),
    #[error(transparent)]
    Avatar(#[from] AvatarRefusal),
    #[error(transparent)]
    Banner(#[from] BannerRefusal),
    #[error(transparent)]
    Claim(#[from] NameTaken),
    #[error(transparent)]
    CustomStatus(#[from] CustomStatusRefusal),
    #[error(transparent)]
    CustomFields(#[from] CustomFieldsRefusal),
    #[error(transparent)]
    EmailInbox(#[from] EmailInboxRefusal),
    #[error(transparent)]
    Emoji(#[from] EmojiRefusal),
    #[error(transparent)]
    Invite(#[from] InviteRefusal),
    #[error(transparent)]
    LoginService(#[from] LoginServiceRefusal),
    #[error(transparent)]
    Membership(#[from] MembershipRefusal),
    #[error(transparent)]
    Message(#[from] MessageRefusal),
    #[error(transparent)]
    OutOfSync(#[from] OutOfSync),
    #[error(transparent)]
    OAuthApp(#[from] OAuthAppRefusal),
    #[error(transparent)]
    Password(#[from] PolicyViolation),
    #[error(transparent)]
    Permission(#[from] PermissionRefusal),
    #[error(transparent)]
    Presence(#[from] ChoiceRefusal),
    #[error(transparent)]
    Push(#[from] PushRefusal),
    #[error(transparent)]
    Report(#[from] ReportRefusal),
    #[error(transparent)]
    Role(#[from] RoleRefusal),
    #[error(transparent)]
    Room(#[from] RoomRefusal),
    #[error(transparent)]
    RoomExport(#[from] RoomExportRefusal),
    #[error(transparent)]
    Search(#[from] SearchRefusal),
    #[error(transparent)]
    SecondFactor(#[from] SecondFactorRefusal),
    #[error(transparent)]
    Session(#[from] SessionRefusal),
    #[error(transparent)]
    Setting(#[from] SettingRefusal),
    #[error(transparent)]
    Sound(#[from] SoundRefusal),
    #[error(transparent)]
    Subscription(#[from] SubscriptionRefusal),
    #[error(transparent)]
    User(#[from] UserRefusal),
    #[error(transparent)]
    Webdav(#[from] WebdavRefusal),

    #[error(transparent)]
    NotUnderstood(#[from] NotUnderstood),
    #[error(transparent)]
    Picture(#[from] PictureError),
    #[error(transparent)]
    Login(#[from] LoginRefusal),
    #[error(transparent)]
    Challenged(#[from] Box<Challenge>),
    /// Anything else that a use case itself refuses.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Something broke that the caller can do nothing about.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// What use cases refuse because of what the views, this process or the outside know and the rules of the domain do
/// not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// When signing up.
    #[error("the user name is somebody else's")]
    UsernameInUse,
    /// When signing up.
    #[error("the address is somebody else's")]
    EmailInUse,
    /// A user name or address, given to another account than the caller's own.
    #[error("{0:?} is taken")]
    FieldUnavailable(String),
    /// The name wanted for an existing account is taken, or is no valid name.
    #[error("the name is taken, or is none")]
    NameNotUsable,
    #[error("profiles are not changed here")]
    ProfileChangeNotAllowed,
    #[error("there is no such user")]
    NoSuchUser,
    #[error("no password is given")]
    PasswordMissing,
    #[error("the password is the one the account has")]
    PasswordSameAsCurrent,
    #[error("the password is one the account had")]
    PasswordInHistory,
    #[error("changed too often; again in {seconds} s")]
    TooManyChanges { seconds: u64 },
    #[error("the address to verify is not the account's")]
    NotToVerify,
    #[error("the address to reset a password by is not the account's")]
    NotToReset,
    #[error("{0} takes no mail")]
    DomainTakesNoMail(String),
    #[error("rooms would be left without owner")]
    LastOwner {
        /// Names of rooms that would be deleted.
        removed: Vec<String>,
        /// Names of rooms that would get another owner.
        changed: Vec<String>,
    },
    #[error("another room is called {name:?}")]
    RoomNameTaken {
        name: String,
        /// The other room is archived.
        archived: bool,
    },
    #[error("a user is called {0:?}")]
    HandleTaken(String),
    /// A user or a team has it.
    #[error("the name of a team is taken")]
    TeamNameTaken,
    /// A room has it.
    #[error("a room is called as the team would be")]
    TeamRoomNameTaken,
    #[error("not in the team")]
    NotInTeam,
    #[error("the last owner stays in the team")]
    LastOwnerOfTeam,
    #[error("may not put rooms into the team")]
    TeamRoomNotAllowed,
    #[error("not in the private team")]
    NotOnPrivateTeam,
    /// As `API_User_Limit` says.
    #[error("more users than may be added at once")]
    TooManyUsersToAdd,
    #[error("there is no message that the discussion could be about")]
    DiscussedMessageUnknown,
    #[error("the message is in another room than the discussion")]
    DiscussedElsewhere,
    /// The server cannot encrypt what is said.
    #[error("nothing can be said at the begin of an encrypted discussion")]
    EncryptedReply,
    #[error("there is no room to take anything out of")]
    NoRoomToExport,
    #[error("there is no mail server")]
    NoMailServer,
    #[error("an address is none")]
    NoAddress,
    #[error("may not see the codes that joining rooms takes")]
    JoinCodeNotShown,
    /// The user who is to get a room's key.
    #[error("no member of the room")]
    NoSubscription,
    #[error("another emoji has the name")]
    EmojiNameTaken,
    #[error("another sound has the name")]
    SoundNameTaken,
    #[error("another status has the name")]
    StatusNameTaken,
    #[error("another inbox has the address")]
    InboxAddressTaken,
    #[error("the account is known")]
    WebdavAccountKnown,
    #[error("may not give or take permissions")]
    GrantNotAllowed(Grant),
    #[error("no such permission")]
    NothingToGrant(Grant),
    #[error("may not change the settings {0:?}, or there are none such")]
    SettingsNotAllowed(Vec<String>),
    /// Online, away, busy and offline are known.
    #[error("no such status")]
    UnknownStatus,
    #[error("no user name is given")]
    UsernameMissing,
    #[error("there is no picture at {0}")]
    NoPictureAt(String),
    #[error("the server at {url} has a problem")]
    PictureNotSent { url: String, username: String },
    #[error("may not remove the picture")]
    AvatarResetNotAllowed,
    /// Or the caller may not read it.
    #[error("there is no such message to report")]
    NothingToReport,
    /// Or the caller may not know of it.
    #[error("there is no such message to have been read")]
    NoMessageWithReceipts,
    #[error("may not read the room of the message")]
    ReceiptsNotShown,
    #[error("the key is too large")]
    KeyTooLarge,
    #[error("nothing is translated here")]
    TranslationOff,
    #[error("may not have anything translated")]
    TranslationNotAllowed,
    #[error("no member of the room to translate")]
    NothingToTranslate,
    /// Who joins once more by a command is told so.
    #[error("in the channel already")]
    AlreadyInChannel,
    #[error("no member of the room to favour")]
    NotInFavouredRoom,
    /// Or there is no such room.
    #[error("may not see the room to read")]
    ReadingNotAllowed,
    #[error("no member of the room to read")]
    NotInReadRoom,
    /// Threads are off, the message is not there, or the caller may not see its room.
    #[error("no thread to read")]
    ThreadNotShown,
    /// Or there is no such room.
    #[error("may not see the room that the preview is for")]
    PreviewNotAllowed,
    #[error("nothing there could be unread")]
    NothingToMarkUnread,
    /// One's own, or the caller may not see it.
    #[error("no message that could be unread")]
    MessageNotToMarkUnread,
    #[error("no message of the room that could be replied to")]
    NoThreadToDraft,
    #[error("may not log others out")]
    LogoutNotAllowed,
    #[error("there is no such user to log out")]
    NoSuchUserToLogOut,
    #[error("not for programs that the user let in")]
    NotForPrograms,
    #[error("may not make tokens for others")]
    TokenNotAllowed,
    #[error("may not have tokens for programs")]
    PersonalTokensNotAllowed,
    #[error("may not reset second factors of others")]
    TotpResetNotAllowed,
    #[error("may not reset keys of others")]
    KeysResetNotAllowed,
    #[error("push is off")]
    PushOff,
    #[error("the caller has no device")]
    NoDevices,
    #[error("this server has no way to reach devices")]
    PushNotDelivered,
    #[error("may not read the record")]
    RecordNotShown,
    #[error("may not look after the views")]
    ViewsNotManaged,
    #[error("views are being built already: wait for it, or abort it")]
    ViewsBeingBuilt,
    #[error("it was aborted")]
    BuildingAborted,
    #[error("this process makes no exports")]
    NoExports,
    #[error("exports over the API are switched off: the setting Audit_Export_Hours is 0")]
    ExportsOff,
    #[error(
        "an export called {0:?} is made already, or waits to be: wait until it is complete, or choose another name"
    )]
    ExportNameTaken(String),
    #[error("{0} exports wait to be made already; remove one, or try again later")]
    TooManyExportsWait(usize),
    #[error("{0} exports are kept already; remove one, or try again once some have expired")]
    TooManyExportsKept(usize),
    #[error("too many exports are downloaded now; try again later")]
    TooManyDownloads,
    #[error("there is no such export; it may have expired")]
    NoSuchExport,
    #[error("the export is not complete yet")]
    ExportNotComplete,
    #[error("the export failed: it has no files")]
    ExportFailed,
    #[error("too many requests wait for events already; ask again later")]
    TooManyWaiting,
}

/// What broke. The server's log says what it was; callers are told only that something broke.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The log refused a unit of work for a reason of its own.
    #[error("log: {0}")]
    Log(Box<ExecuteError<Never>>),
    #[error("log: {0}")]
    Read(#[from] ReadError),
    #[error("views: {0}")]
    Views(#[from] QueryError),
    #[error("search: {0}")]
    Search(SearchError),
    /// Views cannot be built.
    #[error("{0}")]
    Building(ViewsError),
    #[error("recorded, but not shown yet: {0}")]
    Wait(#[from] WaitError),
    #[error("passwords: {0}")]
    Password(#[from] PasswordError),
    #[error(transparent)]
    Files(#[from] FilesError),
    #[error("an export: {0}")]
    Export(#[from] FolderError),
    #[error(
        "nothing is exported, because the next export of that name would begin at the wrong place: where this one ends cannot \
         be recorded: {0}"
    )]
    PlaceNotKept(String),
    #[error("{what} was sealed with another key")]
    Sealed { what: String },
    /// Trying again finds out the present state.
    #[error("it changed this very moment")]
    Overtaken,
    /// A state that the code rules out.
    #[error("{0}")]
    Impossible(Cow<'static, str>),
}

impl Fault {
    /// Whether what was to be recorded is larger than the log takes.
    pub fn is_too_large(&self) -> bool {
        let Self::Log(error) = self else {
            return false;
        };
        matches!(
            **error,
            ExecuteError::Append(
                AppendError::EventTooLarge { .. } | AppendError::BatchTooLarge { .. }
            )
        )
    }

    /// Whether it would do if there were more room on the disk.
    pub fn is_for_want_of_room(&self) -> bool {
        match self {
            Self::Export(error) => error.is_for_want_of_room(),
            Self::Views(error) => matches!(error, QueryError::DiskFull),
            _ => false,
        }
    }

    /// Whether a later try may work.
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
            Self::Wait(_) | Self::Overtaken | Self::Building(ViewsError::Closed) => true,
            Self::Search(error) => error.is_temporary(),
            Self::Building(_)
            | Self::Files(_)
            | Self::Export(_)
            | Self::PlaceNotKept(_)
            | Self::Sealed { .. }
            | Self::Impossible(_) => false,
        }
    }

    /// Tells the server's log what it was. For whoever passes it on as something that does not say so.
    pub fn log(&self) {
        if self.is_too_large() {
            return;
        }
        let read = |error: &ReadError| matches!(error, ReadError::Closed | ReadError::Replaced);
        let (ends, log_is_down) = match self {
            Self::Log(error) => match &**error {
                ExecuteError::Append(AppendError::Closed) => (true, false),
                ExecuteError::Read(error) => (read(error), true),
                ExecuteError::Append(AppendError::Unavailable(_)) => (false, true),
                _ => (false, false),
            },
            Self::Read(error) => (read(error), true),
            _ => (false, false),
        };
        if ends {
            tracing::debug!(fault = %self, "not done");
        } else if self.is_temporary() && !log_is_down {
            tracing::warn!(fault = %self, "not done for now");
        } else {
            tracing::error!(fault = %self, "not done");
        }
    }
}

fn can_be_read_later(error: &ReadError) -> bool {
    !matches!(error, ReadError::Damaged { .. })
}

impl Error {
    /// Whether the caller can do something about it.
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::Fault(fault) => fault.is_too_large(),
            Self::Picture(error) => {
                matches!(error, PictureError::Unreadable | PictureError::TooLarge)
            }
            _ => true,
        }
    }

    /// Tells the server's log of a fault; see [`Fault::log`]. A refusal is nobody's but the asker's business.
    pub fn log(&self) {
        if let Self::Fault(fault) = self {
            fault.log();
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

    /// Whether the log is out of reach for now: nothing can be recorded either.
    pub fn is_of_log_out_of_reach(&self) -> bool {
        matches!(self, Self::Fault(Fault::Read(ReadError::Unavailable(_))))
    }

    /// Whether it is unknown that nothing was recorded: what was asked for may have happened all the same.
    pub fn may_have_happened(&self) -> bool {
        match self {
            Self::Fault(fault) => !fault.is_too_large(),
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
