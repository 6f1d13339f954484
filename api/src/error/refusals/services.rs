//! Refusals about inboxes and banners.

use domain::banner::BannerRefusal;
use domain::email_inbox::EmailInboxRefusal;

use crate::error::{ApiError, texts};

impl From<EmailInboxRefusal> for ApiError {
    fn from(refusal: EmailInboxRefusal) -> Self {
        match refusal {
            EmailInboxRefusal::NotAllowed => texts::plainly_not_allowed(),
            EmailInboxRefusal::Incomplete(what) => texts::inbox_incomplete(what),
            EmailInboxRefusal::PasswordRequired => texts::inbox_password_required(),
            EmailInboxRefusal::NotFound => texts::inbox_unknown(),
            EmailInboxRefusal::AlreadyExists => Self::Internal,
        }
    }
}

impl From<BannerRefusal> for ApiError {
    fn from(refusal: BannerRefusal) -> Self {
        match refusal {
            BannerRefusal::NotAllowed => texts::forbidden(),
            BannerRefusal::Invalid(why) => texts::invalid_banner(why),
            BannerRefusal::NotFound => texts::banner_not_found(),
            BannerRefusal::AlreadyExists => Self::Internal,
        }
    }
}
