//! Mail: links to prove an address or to choose a password, and where they lead.

use axum::http::Method;
use domain::permission::Permission;

use crate::http::route::{Route, get, post, public};
use crate::http::schema::Kind;
use crate::rest::identity::mail_links;
use crate::rest::integrations::mail;

pub(super) fn routes() -> Vec<Route> {
    vec![
        get("smtp.check", mail::smtp_check)
            .about("Tells whether there is a mail server.")
            .answers(&[("isSMTPConfigured", Kind::Boolean)]),
        public(Method::POST, "users.forgotPassword", mail::forgot_password)
            .knows(&[("email", Kind::Text)])
            .about("Mails a link to choose a new password, if somebody has that address."),
        public(Method::POST, "users.verifyEmail", mail::verify_email)
            .takes(&mail::TOKEN)
            .about("Proves an address with the token that was mailed to it."),
        post("users.sendConfirmationEmail", mail::send_confirmation)
            .takes(&mail::ADDRESS)
            .about("Mails a link that proves an address."),
        post("users.sendWelcomeEmail", mail::send_welcome)
            .takes(&mail::ADDRESS)
            .needs(&[Permission::SEND_MAIL])
            .about("Mails the owner of an account a link to choose the first password."),
        post("users.sendInvitationEmail", mail::send_invitations)
            .takes(&mail::INVITATIONS)
            .needs(&[Permission::BULK_REGISTER_USER])
            .about("Mails people an invitation to sign up."),
        public(
            Method::GET,
            "/verify-email/{token}",
            mail_links::verify_email,
        )
        .sends(&["text/html"])
        .about("Where the link that proves an address leads: a page that says what came of it."),
        public(
            Method::GET,
            "/reset-password/{token}",
            mail_links::reset_form,
        )
        .sends(&["text/html"])
        .about("Where the link to choose a password leads: a page with a form."),
        public(
            Method::POST,
            "/reset-password/{token}",
            mail_links::reset_password,
        )
        .knows(&[("password", Kind::Text), ("repeated", Kind::Text)])
        .sends(&["text/html"])
        .about("Takes the form with a new password."),
    ]
}
