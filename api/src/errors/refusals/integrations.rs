//! Refusals about inboxes, banners, invitations and files elsewhere.

use domain::banner::BannerRefusal;
use domain::email_inbox::EmailInboxRefusal;
use domain::webdav::WebdavRefusal;
use reactors::mail::NotInvited;

use crate::errors::{ApiError, wording};

impl From<EmailInboxRefusal> for ApiError {
    fn from(refusal: EmailInboxRefusal) -> Self {
        match refusal {
            EmailInboxRefusal::NotAllowed => wording::plainly_not_allowed(),
            EmailInboxRefusal::Incomplete(what) => wording::inbox_incomplete(what),
            EmailInboxRefusal::PasswordRequired => wording::inbox_password_required(),
            EmailInboxRefusal::NotFound => wording::inbox_unknown(),
            EmailInboxRefusal::AlreadyExists => Self::Internal,
        }
    }
}

impl From<BannerRefusal> for ApiError {
    fn from(refusal: BannerRefusal) -> Self {
        match refusal {
            BannerRefusal::NotAllowed => wording::forbidden(),
            BannerRefusal::Invalid(why) => wording::invalid_banner(why),
            BannerRefusal::NotFound => wording::banner_not_found(),
            BannerRefusal::AlreadyExists => Self::Internal,
        }
    }
}

impl From<NotInvited> for ApiError {
    fn from(reason: NotInvited) -> Self {
        const METHOD: &str = "sendInvitationEmail";
        match reason {
            NotInvited::TooMany => Self::TooLarge,
            NotInvited::NoServer => wording::smtp_not_configured(METHOD),
            NotInvited::NotSent(error) => wording::email_send_failed(METHOD, &error.to_string()),
        }
    }
}

impl From<WebdavRefusal> for ApiError {
    fn from(refusal: WebdavRefusal) -> Self {
        match refusal {
            WebdavRefusal::Disabled => wording::webdav_disabled("removeWebdavAccount"),
            WebdavRefusal::InvalidAddress => wording::webdav_inaccessible("addWebdavAccount"),
            WebdavRefusal::NotFound => wording::webdav_account_unknown("removeWebdavAccount"),
        }
    }
}
