//! Logins, login tokens and second factors.

use axum::http::Method;
use domain::permission::Permission;

use crate::errors::wording;
use crate::http::route::{Rate, Route, get, post, public};
use crate::http::schema::Kind;
use crate::methods::door;
use crate::rest::identity::{login, second_factors, tokens};

pub(super) fn routes() -> Vec<Route> {
    vec![
        public(Method::POST, "login", login::login)
            .about("Logs in and hands out a login token.")
            .answers_status(),
        post("logout", login::logout)
            .about("Voids the login token that is presented.")
            .answers_status(),
        get("logout", login::logout)
            .about("Voids the login token that is presented.")
            .answers_status(),
        get("me", login::me)
            .about("Tells who is logged in.")
            .answers(&[("_id", Kind::Text), ("username", Kind::Text)]),
        post("users.logout", tokens::logout)
            .about("Voids all tokens of a user.")
            .knows(&[("userId", Kind::Text)])
            .answers(&[("message", Kind::Text)]),
        post("users.logoutOtherClients", tokens::logout_other_clients)
            .about("Ends the caller's other sessions; personal access tokens stay valid.")
            .answers(&[("token", Kind::Text)]),
        post("users.removeOtherTokens", tokens::remove_other_tokens)
            .about("Voids all of the caller's other tokens."),
        post("users.createToken", tokens::create_token)
            .about("Makes a session token for a user, where the operator allows that.")
            .knows(&USER)
            .answers(&[("data", Kind::Object)]),
        get("users.getPersonalAccessTokens", tokens::list_personal)
            .about("Lists the caller's personal access tokens.")
            .needs_or(PERSONAL, wording::personal_tokens_not_allowed)
            .answers(&[("tokens", Kind::List)]),
        post(
            "users.generatePersonalAccessToken",
            tokens::generate_personal,
        )
        .about("Makes a personal access token. It is shown this once.")
        .knows(&[
            ("tokenName", Kind::Text),
            ("bypassTwoFactor", Kind::Boolean),
        ])
        .needs_or(PERSONAL, wording::personal_tokens_not_allowed)
        .second_factor()
        .answers(&[("token", Kind::Text)]),
        post(
            "users.regeneratePersonalAccessToken",
            tokens::regenerate_personal,
        )
        .about("Replaces a personal access token by a new one of the same name.")
        .knows(&[("tokenName", Kind::Text)])
        .needs_or(PERSONAL, wording::personal_tokens_not_allowed)
        .second_factor()
        .answers(&[("token", Kind::Text)]),
        post("users.removePersonalAccessToken", tokens::remove_personal)
            .about("Voids a personal access token.")
            .knows(&[("tokenName", Kind::Text)])
            .needs_or(PERSONAL, wording::personal_tokens_not_allowed)
            .second_factor(),
        post("users.2fa.enableEmail", second_factors::enable_email)
            .about("Has codes mailed to the caller as a second factor."),
        post("users.2fa.disableEmail", second_factors::disable_email)
            .about("Stops mailing codes to the caller as a second factor.")
            .second_factor_anew(),
        post("users.2fa.enableTotp", second_factors::enable_totp)
            .about("Shows the caller a secret for an authenticator.")
            .answers(&[("secret", Kind::Text), ("url", Kind::Text)]),
        post("users.2fa.validateTotp", second_factors::validate_totp)
            .about("Asks for codes of the authenticator from now on, if this is one. Answers backup codes.")
            .takes(&second_factors::CODE)
            .answers(&[("codes", Kind::Texts)]),
        post("users.2fa.disableTotp", second_factors::disable_totp)
            .about("Stops asking for codes of the authenticator, if this is one.")
            .takes(&second_factors::CODE)
            .answers(&[("disabled", Kind::Boolean)]),
        post(
            "users.2fa.regenerateTotpCodes",
            second_factors::regenerate_totp_codes,
        )
        .about("Replaces the caller's backup codes.")
        .takes(&second_factors::CODE)
        .answers(&[("codes", Kind::Texts)]),
        get(
            "users.2fa.totpCodesRemaining",
            second_factors::totp_codes_remaining,
        )
        .about("How many backup codes the caller has left.")
        .answers(&[("remaining", Kind::Number)]),
        public(
            Method::POST,
            "users.2fa.sendEmailCode",
            second_factors::send_email_code,
        )
        .about("Mails a fresh code to a user who logs in with codes by mail.")
        .knows(&[("emailOrUsername", Kind::Text)]),
        post("users.resetTOTP", second_factors::reset_totp)
            .about("Takes the authenticator from the caller, or from the user named.")
            .knows(&USER)
            .second_factor_anew(),
        post("users.resetE2EKey", second_factors::reset_e2e_key)
            .about(
                "Takes the keys of end-to-end encryption from the caller, or from the user named.",
            )
            .knows(&USER)
            .second_factor_anew(),
        method_call(post("method.call/{method}", door::call)),
        // Names of methods have slashes in them, and not every client escapes those.
        method_call(post("method.call/{method}/{rest}", door::call)),
        method_call(public(
            Method::POST,
            "method.callAnon/{method}",
            door::call_anonymously,
        )),
        method_call(public(
            Method::POST,
            "method.callAnon/{method}/{rest}",
            door::call_anonymously,
        )),
    ]
}

/// What names a user.
const USER: [(&str, Kind); 3] = [
    ("userId", Kind::Text),
    ("username", Kind::Text),
    ("user", Kind::Text),
];

const PERSONAL: &[Permission] = &[Permission::CREATE_PERSONAL_ACCESS_TOKENS];

/// Methods have limits of their own.
fn method_call(route: Route) -> Route {
    route
        .about("Calls the method that stands in the message.")
        .takes(&door::MESSAGE)
        .rate(Rate::Unlimited)
        .answers(&[("message", Kind::Text)])
}
